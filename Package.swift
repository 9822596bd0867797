// swift-tools-version: 6.2
import PackageDescription

// Every Swift target is compiled alike: language mode 6, and nothing but silence from the compiler.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409: a C type in a public signature does not compile
]
// SE-0458: in the sources every use of unsafe memory says so; `grep unsafe` is the audit list.
let fenced: [SwiftSetting] = strict + [.strictMemorySafety()]

// `make build` says which commit it builds; in C, so that a new one compiles one small file and links.
let commit = (Context.environment["BUILD_COMMIT"] ?? "").filter { $0.isLetter || $0.isNumber || $0 == "-" }

let package = Package(
    name: "cna-bookstore",
    products: [.executable(name: "bookstore", targets: ["bookstore"])],
    targets: [
        // C libraries from Debian. A module map and a header for what Swift cannot call, nothing else.
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),

        .systemLibrary(name: "CPlatform"),
        // A clock that librdkafka reads in libc's place (docs/decisions/0023-a-clock-in-a-hurry.md).
        .target(name: "CHastyClock"),
        .target(
            name: "CBuild", cSettings: commit.isEmpty ? [] : [.define("BUILD_COMMIT", to: "\"\(commit)\"")]),

        // Leaves: the operating system, bytes on the wire, and the words of a contract.
        .target(name: "Platform", dependencies: ["CPlatform"], swiftSettings: fenced),
        .target(name: "Wire", dependencies: ["Platform"], swiftSettings: fenced),
        .target(name: "Contract", dependencies: ["Wire"], swiftSettings: fenced),

        // The only importers of the C libraries.
        .target(name: "Kafka", dependencies: ["CRdKafka", "CHastyClock", "Platform"], swiftSettings: fenced),
        .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: fenced),
        .target(name: "Ingress", dependencies: ["CMicroHTTPD", "Platform"], swiftSettings: fenced),

        // General machinery: knows no bookstore.
        .target(name: "Broker", dependencies: ["Platform", "CPlatform"], swiftSettings: fenced),
        .target(
            name: "Worker", dependencies: ["Kafka", "SQLite", "Wire", "Contract", "Platform"], swiftSettings: fenced),
        .target(
            name: "Gateway", dependencies: ["Worker", "Ingress", "Kafka", "Wire", "Contract", "Platform"],
            swiftSettings: fenced),
        .target(
            name: "Operations",
            dependencies: [
                "Broker", "Worker", "Gateway", "Kafka", "SQLite", "Wire", "Contract", "Platform", "CPlatform",
            ],
            swiftSettings: fenced),

        // Drills: a private system, hurt on purpose and judged. Knows no bookstore either.
        .target(
            name: "Drills",
            dependencies: ["Operations", "Worker", "Kafka", "SQLite", "Contract", "Wire", "Platform"],
            swiftSettings: fenced),

        // The bookstore: contracts, four services, one executable.
        .target(
            name: "BookstoreContracts", dependencies: ["Contract", "Wire"], path: "Sources/Bookstore/Contracts",
            swiftSettings: fenced),
        .target(
            name: "BookstoreCustomer", dependencies: ["Worker", "BookstoreContracts", "Contract", "Wire"],
            path: "Sources/Bookstore/Customer", swiftSettings: fenced),
        .target(
            name: "BookstoreInventory", dependencies: ["Worker", "BookstoreContracts", "Contract", "Wire"],
            path: "Sources/Bookstore/BookInventory", swiftSettings: fenced),
        .target(
            name: "BookstoreOrder", dependencies: ["Worker", "BookstoreContracts", "Contract", "Wire"],
            path: "Sources/Bookstore/Order", swiftSettings: fenced),
        .target(
            name: "BookstoreDelivery", dependencies: ["Worker", "BookstoreContracts", "Contract", "Wire", "Platform"],
            path: "Sources/Bookstore/Delivery", swiftSettings: fenced),
        .target(
            name: "BookstoreDrill", dependencies: ["Drills", "BookstoreContracts", "Contract", "Wire"],
            path: "Sources/Bookstore/Drill", swiftSettings: fenced),
        .executableTarget(
            name: "bookstore",
            dependencies: [
                "CBuild", "Operations", "Drills", "BookstoreDrill", "Contract", "BookstoreContracts",
                "BookstoreCustomer",
                "BookstoreInventory",
                "BookstoreOrder", "BookstoreDelivery",
            ],
            swiftSettings: fenced),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Broker", "Operations"], path: "Tests/TestSupport",
            swiftSettings: strict),
        .testTarget(
            name: "ConformanceTests", dependencies: ["Broker", "Kafka", "TestSupport", "bookstore"],
            path: "Tests/ConformanceTests", swiftSettings: strict),
        .testTarget(
            name: "DrillTests",
            dependencies: [
                "Drills", "BookstoreDrill", "Operations", "Worker", "Kafka", "Wire", "TestSupport", "bookstore",
            ],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", path: "Tests/TidyTests", swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["Operations", "Kafka", "Wire", "Platform", "TestSupport", "bookstore"],
            swiftSettings: strict),
        .testTarget(
            name: "OperationsTests",
            dependencies: ["Operations", "Kafka", "Worker", "SQLite", "Contract", "Wire", "Platform", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "KafkaTests", dependencies: ["Kafka", "CHastyClock", "Platform", "TestSupport"],
            path: "Tests/KafkaTests",
            swiftSettings: strict),
        .testTarget(
            name: "SQLiteTests", dependencies: ["SQLite", "TestSupport"], path: "Tests/SQLiteTests",
            swiftSettings: strict),
        .testTarget(
            name: "IngressTests", dependencies: ["Ingress", "Platform", "TestSupport"], path: "Tests/IngressTests",
            swiftSettings: strict),
        .testTarget(
            name: "GatewayTests",
            dependencies: ["Gateway", "Worker", "Ingress", "BookstoreContracts", "Contract", "Wire", "Platform"],
            swiftSettings: strict),
        .testTarget(
            name: "BookstoreContractsTests", dependencies: ["BookstoreContracts", "Contract", "Wire"],
            swiftSettings: strict),
        .testTarget(
            name: "BookstoreTests",
            dependencies: [
                "BookstoreContracts", "BookstoreCustomer", "BookstoreInventory", "BookstoreOrder", "BookstoreDelivery",
                "Worker", "SQLite", "Contract", "Wire", "Platform",
            ],
            swiftSettings: strict),

        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: strict),
        .testTarget(name: "WireTests", dependencies: ["Wire"], swiftSettings: strict),
        .testTarget(name: "ContractTests", dependencies: ["Contract", "Wire"], swiftSettings: strict),
        // `bookstore` and `counter` are the processes that these tests start and kill.
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "Worker", "Kafka", "SQLite", "Contract", "Wire", "Platform", "TestSupport", "counter", "bookstore",
            ],
            swiftSettings: strict),

        // A service of the tests: the example of docs/worker.md, and the victim of the crash tests.
        .executableTarget(
            name: "counter", dependencies: ["Worker", "Contract", "Wire", "Platform"], path: "Tests/Counter",
            swiftSettings: strict),
        .executableTarget(
            name: "counter-bench", dependencies: ["Worker", "Kafka", "Contract", "Wire", "Platform"],
            path: "Tests/CounterBench", swiftSettings: strict),
    ]
)
