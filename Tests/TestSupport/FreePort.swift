// A port nobody listens on.
import Operations

/// Somebody else may take it before it is used, which no test has met: the range is wide.
public func freePort() throws -> Int { Int(try Port.free()) }
