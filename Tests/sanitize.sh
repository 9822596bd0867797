#!/bin/sh
# The test suites under the address and the thread sanitizer, each in a build directory of its own under .build.
#   Tests/sanitize.sh [address|thread]…       FILTER=WorkerTests: only these suites
# What is started by a test is built the same way. docs/CONTRIBUTING.md says which suites run under which, and why.
set -eu
cd "$(dirname "$0")/.."
swift=.ci/swift
here=$PWD

for kind in ${*:-address thread}; do
    case $kind in
    address)
        # What an exit leaves behind is not looked for: our processes end without a farewell on purpose.
        ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=66
        export ASAN_OPTIONS
        filter='BookstoreTests|BookstoreContractsTests|ConformanceTests|ContractTests|DrillTests.JudgeTests|GatewayTests'
        filter="$filter|IngressTests|KafkaTests|OperationsTests|PlatformTests|SQLiteTests|WireTests|WorkerTests"
        ;;
    thread)
        TSAN_OPTIONS="suppressions=$here/Tests/thread-sanitizer.txt:exitcode=66:report_signal_unsafe=0"
        export TSAN_OPTIONS
        # Whatever comes to use librdkafka ends at once: it starts its threads with C11's thrd_create, which the sanitizer
        # does not know.
        filter='ConformanceTests\.(FetchTests|GroupTests|NegotiationTests|ProduceTests)|IngressTests|SQLiteTests'
        ;;
    *)
        echo "There is no sanitizer $kind here: address, thread." >&2
        exit 2
        ;;
    esac
    echo "sanitizer: $kind"
    $swift build --build-tests --sanitize="$kind" --scratch-path ".build/$kind"
    $swift test --skip-build --no-parallel --sanitize="$kind" --scratch-path ".build/$kind" --filter "${FILTER:-$filter}"
done
