// swift-tools-version: 6.2
import PackageDescription

// The fuzz target and its instrumentation are built only by scripts/fuzz.sh: libFuzzer brings a `main` of its own.
let fuzzing = Context.environment["CLAVIGER_FUZZ"] != nil

let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]
let instrumentation: [SwiftSetting] = fuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : []

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let http: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    .product(name: "HummingbirdHTTP2", package: "hummingbird"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
]
let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2"),
    .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
    .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
]

/// A room of the house: a library target. Rooms are listed from the top of the house to its foundation.
func room(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources,
        swiftSettings: common + instrumentation)
}

/// Released programs are linked without the names of all their symbols, which nobody looks up: they would be read, and so be
/// resident, at every start. Of functions with equal code one is kept.
let releaseLinking: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "--no-export-dynamic", "-Xlinker", "--icf=all", "-Xlinker", "-O2",
        ], .when(platforms: [.linux], configuration: .release))
]

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + [arguments, logging, lifecycle, "Telemetry"], swiftSettings: common,
        linkerSettings: releaseLinking)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency] = [], vectors: Bool = true, exclude: [String] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: exclude,
        resources: vectors ? [.copy("Vectors")] : [], swiftSettings: common)
}

/// What several test targets share.
func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: common)
}

/// The certificates of authorities that are embedded because they are trusted as they are, or lead to such.
let embeddedAuthorities =
    ["intel-sgx-root-ca.pem"]
    + ["milan", "genoa", "turin"].flatMap { product in
        ["ark", "ask", "asvk"].map { "amd-\(product)-\($0).der" }
    }
    + [
        "azure-root-2023", "azure-ca-01", "azure-ca-03", "google-root-2018", "google-ca-2020", "google-ca-2021",
        "google-root-2022", "google-ca-2022",
    ].map { "tpm-\($0).der" } + ["aws-nitro-root.der", "hygon-hrk.cert"]
    + ["nvidia-device-root.pem", "nvidia-manifest-root.pem"]
    + ["naples", "rome", "milan", "genoa", "turin"].flatMap { ["sev-\($0)-ark.cert", "sev-\($0)-ask.cert"] }

let package = Package(
    name: "claviger",
    products: [
        .executable(name: "claviger-broker", targets: ["claviger-broker"]),
        .executable(name: "attestation-agent", targets: ["attestation-agent"]),
        .executable(name: "claviger-controller", targets: ["claviger-controller"]),
        .executable(name: "claviger", targets: ["claviger"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", from: "2.9.0"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", from: "2.4.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
    ],
    targets: [
        // Programs
        program("claviger-broker", ["BrokerAPI", "Broker", "Storage", "HTTPTransport"]),
        program("attestation-agent", ["GuestAPI", "Guest", "HTTPTransport", "JOSE", "Processes", "Encodings"]),
        program(
            "claviger",
            [
                "AdminClient", "BrokerAPI", "Broker", "Collateral", "Compression", "Guest", "Kubernetes", "Measurement",
                "OCIEncryption", "PolicyTesting", "RecordedEvidence", "RegoImport", "Policy", "Storage",
                "Verification", "X509Trust",
            ]),

        program("claviger-controller", ["Controller", "AdminClient", "Kubernetes", "Encodings"]),
        program(
            "claviger-bench",
            [
                "AdminClient", "HTTPTransport", "KBSProtocol", "JOSE", "Policy", "Processes", "RATS", "Storage",
                "Verification", "X509Trust", "X509TestSupport", "Encodings", "EvidenceSimulator",
                "KubernetesTestSupport", crypto,
            ]),

        // Edges
        room(
            "BrokerAPI",
            ["Broker", "HTTPServing", "HTTPTransport", "LinearRegex", "Telemetry", logging, metrics, lifecycle] + http
                + grpc, exclude: ["Protos"]),
        room("GuestAPI", ["Guest", "HTTPServing", logging, metrics, lifecycle] + http + grpc, exclude: ["Protos"]),

        room(
            "Controller",
            [
                "AdminClient", "Kubernetes", "PolicyTesting", "Policy", "X509Trust", "HTTPServing", "Telemetry",
                "Encodings", crypto, logging, metrics, lifecycle,
            ] + http),

        // Services
        room(
            "Broker",
            [
                "Collateral", "Storage", "Policy", "Verification", "X509Trust", "KBSProtocol", "JOSE", "RATS",
                "Processes", "Encodings", crypto, cryptoExtras, yams, logging, metrics, lifecycle,
            ]),
        room(
            "Guest",
            [
                "HTTPTransport", "OCIEncryption", "KBSProtocol", "JOSE", "RATS", "Encodings", "Processes", "CLinux",
                crypto, cryptoExtras, logging, metrics,
            ]),
        room("AdminClient", ["HTTPTransport", "KBSProtocol", "JOSE", "Encodings"]),
        room("Kubernetes", ["HTTPTransport", "Encodings", yams, logging, metrics, lifecycle]),

        // Trust
        room(
            "Verification", ["X509Trust", "JOSE", "RATS", "Encodings", crypto, cryptoExtras, asn1],
            resources: embeddedAuthorities.map { .embedInCode("Roots/\($0)") }),
        room("RecordedEvidence", ["Compression", "Measurement", "Verification", "X509Trust", "RATS", "Encodings"]),
        room(
            "Collateral",
            [
                "Storage", "HTTPTransport", "X509Trust", "JOSE", "RATS", "Encodings", crypto, logging, metrics,
                lifecycle,
            ]),
        room("PolicyTesting", ["Policy", "CEL", "RATS", "Encodings"]),
        room("RegoImport", ["Policy", "RATS", "Encodings"]),
        room(
            "Policy", ["CEL", "JOSE", "RATS", "Encodings", crypto, yams],
            resources: ["cpu", "gpu", "switch", "ppcie"].map { .embedInCode("Defaults/default-\($0).yaml") }),
        room("Measurement", ["X509Trust", "Encodings", crypto]),
        room("Storage", ["CLibPQ", "CLinux", "Processes", "Encodings", crypto]),
        room("OCIEncryption", ["Encodings", crypto, cryptoExtras]),

        // Foundation
        room("KBSProtocol", ["RATS", "Encodings", crypto]),
        room("RATS", ["Encodings"]),
        room("CEL", ["LinearRegex", "Encodings"]),
        room("JOSE", ["Encodings", crypto, cryptoExtras]),
        room("Compression", ["CZlib"]),
        room("X509Trust", ["COpenSSL", "Encodings"]),
        room("HTTPTransport", ["CCurl", "Encodings"]),
        room(
            "HTTPServing",
            [
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"), "Encodings", logging, lifecycle,
            ]
        ),
        room("Processes", ["CLinux"]),
        room("LinearRegex", []),
        room("Telemetry", [logging, metrics]),
        room("Encodings", []),

        // C
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(name: "CLinux"),

        // Tests
        support("TestSupport", ["Storage", "Encodings", logging]),
        support(
            "BrokerTestSupport",
            [
                "TestSupport", "Broker", "Verification", "KBSProtocol", "JOSE", "RATS", "Storage", "Telemetry",
                "Encodings",
                logging, metrics,
            ]),
        support(
            "GuestTestSupport", ["Guest", "HTTPServing", "KBSProtocol", "JOSE", "RATS", "Encodings", logging] + http),
        support(
            "KubernetesTestSupport",
            [
                "Kubernetes", "HTTPServing", "HTTPTransport", "X509Trust", "CEL", "JOSE", "Encodings", yams, logging,
            ] + http),
        support("TestPrograms", ["Processes"]),
        support("TestInput", ["Encodings"]),
        support("X509TestSupport", ["X509Trust", "COpenSSL"]),
        support(
            "EvidenceSimulator",
            [
                "Verification", "Measurement", "X509TestSupport", "X509Trust", "JOSE", "RATS", "Encodings", crypto,
                cryptoExtras,
            ]),
        tests("Encodings", ["TestInput"]),
        tests("JOSE", ["TestInput", "Encodings", crypto]),
        tests("Processes", vectors: false),
        tests("LinearRegex", vectors: false),
        tests("CEL", ["Encodings"]),
        tests("RATS", ["TestInput"]),
        tests("KBSProtocol", ["TestInput", "JOSE", "RATS"]),
        tests(
            "Verification",
            [
                "EvidenceSimulator", "TestInput", "TestPrograms", "X509TestSupport", "KBSProtocol", "JOSE", "X509Trust",
                "RATS", "Encodings", crypto, cryptoExtras,
            ]),
        tests("X509Trust", ["TestInput", "X509TestSupport", "JOSE", "COpenSSL"]),
        tests("HTTPTransport", ["HTTPServing", "Processes"] + http, vectors: false),
        tests(
            "HTTPServing", [.product(name: "NIOEmbedded", package: "swift-nio")] + http, vectors: false),
        tests("Telemetry", vectors: false),
        tests("Policy", ["CEL", "JOSE", "RATS", "Encodings"], exclude: ["Golden"]),
        tests("RecordedEvidence", ["Compression", "RATS", "Encodings"], vectors: false),
        tests("PolicyTesting", ["Policy", "RATS", "Encodings"], vectors: false),
        tests("RegoImport", ["Policy", "RATS", "Encodings"]),
        tests(
            "Measurement",
            ["Compression", "EvidenceSimulator", "TestInput", "X509TestSupport", "X509Trust", "Encodings", crypto]),
        tests("Storage", ["TestSupport"], vectors: false),
        tests(
            "Collateral",
            [
                "TestSupport", "TestInput", "Verification", "Telemetry", "HTTPServing", "X509Trust", crypto, logging,
                metrics,
            ] + http),
        tests("OCIEncryption", ["TestPrograms"]),
        tests("AdminClient", vectors: false),
        tests(
            "Kubernetes",
            [
                "KubernetesTestSupport", "HTTPServing", "HTTPTransport", "Processes", "TestInput", "TestPrograms",
                "X509Trust", "Encodings", logging, metrics, lifecycle,
            ] + http, vectors: false),
        tests(
            "Broker",
            [
                "BrokerTestSupport", "EvidenceSimulator", "TestInput", "TestPrograms", "PolicyTesting", "Policy",
                "Verification", "Measurement", "Collateral", "X509TestSupport", "X509Trust", crypto,
            ]),
        tests(
            "BrokerAPI",
            ["AdminClient", "BrokerTestSupport", "TestPrograms", "HTTPTransport", "Telemetry", "X509Trust"] + grpc),
        tests(
            "Guest",
            [
                "EvidenceSimulator", "GuestTestSupport", "TestInput", "TestPrograms", "Processes", "Verification",
                "X509TestSupport", "X509Trust",
            ]),
        tests(
            "GuestAPI",
            [
                "GuestTestSupport", "TestInput", "TestPrograms", "TestSupport",
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ] + grpc),
        tests(
            "Controller",
            [
                "BrokerTestSupport", "KubernetesTestSupport", "TestPrograms", "TestSupport", "BrokerAPI", "CEL",
                "Guest", "HTTPTransport", "Kubernetes", "Policy", "Telemetry", "X509Trust", "Encodings", logging,
                lifecycle,
            ], vectors: false, exclude: ["Pods", "Policies"]),
        tests(
            "claviger",
            [
                "AdminClient", "Broker", "Collateral", "Compression", "Guest", "GuestTestSupport", "JOSE",
                "KBSProtocol", "Kubernetes", "KubernetesTestSupport", "PolicyTesting", "Policy", "RATS", "Encodings",
                "Processes", "TestInput", "TestPrograms",
            ]),
    ]
)

if fuzzing {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Encodings", "JOSE", "CEL", "Guest", "LinearRegex", "KBSProtocol", "Measurement", "Policy", "RATS",
                "Verification", "X509Trust", crypto,
            ],
            path: "Fuzz",
            swiftSettings: [.swiftLanguageMode(.v6), .unsafeFlags(["-parse-as-library", "-sanitize=fuzzer"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}
