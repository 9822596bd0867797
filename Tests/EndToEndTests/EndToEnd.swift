// The whole system as its clients see it: processes, a real broker, HTTP. Every requirement of docs/requirements.md.
import Testing

/// All suites of this target are parts of this one, so that they run one after another even where tests run in parallel:
/// they share two systems, and the machine is small.
@Suite(.serialized) enum EndToEnd {}
