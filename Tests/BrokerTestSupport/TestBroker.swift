import Broker
import CoreMetrics
import Encodings
import Foundation
import JOSE
import KBSProtocol
import Logging
import RATS
import Storage
import Telemetry
import TestSupport
import Verification

/// A broker on a database of its own, which believes sample evidence.
public struct TestBroker: Sendable {
    /// The broker.
    public let broker: Broker
    /// Its database and keys.
    public let store: TestDatabase
    /// Its clock.
    public let clock: TestClock
    /// What it counted.
    public let metrics: MetricsRegistry
    /// What it logged.
    public let logs: LogCapture

    /// - Parameters:
    ///   - policies: YAML documents that are applied at once; by default sample evidence is graded and nothing allowed.
    ///   - store: The database of another broker, to make a second replica.
    ///   - verifiers: Who believes which evidence; by default sample evidence is believed.
    ///   - inspectors: Who verifies collateral; by default nobody.
    ///   - nonce: A fixed nonce (base64), for vectors.
    ///   - configure: Changes the configuration, in which sample evidence is believed and no default policy installed.
    ///   - adapt: Changes what the broker takes from the outside.
    public static func make(
        policies: String? = TestPolicies.appraisal, store: TestDatabase? = nil, database: Database? = nil,
        verifiers: VerifierRegistry? = nil, inspectors: [any CollateralInspector] = [], clock: TestClock = TestClock(),
        nonce: String? = nil, configure: (inout BrokerConfiguration) -> Void = { _ in },
        adapt: (inout BrokerEnvironment) -> Void = { _ in }
    ) async throws -> TestBroker {
        let own: TestDatabase
        if let store {
            own = store
        } else {
            own = try await TestTurnstile.shared.pass { try await TestDatabase.make() }
        }
        var configuration = BrokerConfiguration()
        configuration.attestation.allowSample = true
        configuration.policies.installDefaults = false
        configuration.collateral.sources = []
        configure(&configuration)
        var environment = BrokerEnvironment(clock: clock.wallClock)
        if let nonce {
            let bytes = try Base64.decode(nonce)
            environment = BrokerEnvironment(clock: clock.wallClock, nonce: { bytes })
        }
        adapt(&environment)
        let metrics = MetricsRegistry()
        let logs = LogCapture()
        let broker = try await Broker.open(
            configuration, database: database ?? own.database, keyRing: own.keys, verifiers: verifiers,
            inspectors: inspectors, environment: environment, metrics: BrokerMetrics(factory: metrics),
            logger: logs.logger())
        if let policies { _ = try await broker.applyPolicies(policies, dryRun: false, by: "test") }
        return TestBroker(broker: broker, store: own, clock: clock, metrics: metrics, logs: logs)
    }

    /// Another broker on the same database, with a connection pool and a clock of its own.
    public func replica(
        clock: TestClock = TestClock(), configure: (inout BrokerConfiguration) -> Void = { _ in }
    ) async throws -> TestBroker {
        try await .make(
            policies: nil, store: store, database: try await store.connect(), clock: clock, configure: configure)
    }

    /// Runs the whole handshake for a guest.
    public func attest(
        _ guest: SampleGuest, deviceSVN: String? = nil, initData: String? = nil
    ) async throws -> Attestation {
        let (challenge, cookie) = try await broker.challenge(SampleGuest.authBody())
        let body = try guest.attestation(nonce: challenge.nonce, deviceSVN: deviceSVN, initData: initData)
        return try await broker.attest(body: body, cookie: cookie.value)
    }

    /// Stores a resource.
    public func put(_ path: String, _ value: String) async throws {
        _ = try await broker.putResource(
            try ResourcePath(path), value: SecretBytes(Array(value.utf8)), by: "test")
    }

    /// Asks for a resource with a session, and opens the answer with the guest's key.
    public func get(_ path: String, _ attestation: Attestation, _ guest: SampleGuest) async throws -> String {
        let message = try await release(path, cookie: attestation.cookie.value)
        return String(decoding: try guest.key.decrypt(message).copyBytes(), as: UTF8.self)
    }

    /// Asks for a resource and returns the sealed answer.
    public func release(_ path: String, cookie: String? = nil, bearer: String? = nil) async throws -> [UInt8] {
        try await broker.release(
            ReleaseInput(path: try ResourcePath(path), sessionCookie: cookie, bearer: bearer))
    }

    /// Registers the reference values that affirm the sample attester.
    public func affirmSample() async throws {
        let values: JSONObject = [
            "svn": ["1"], "launch_digest": ["abcde"], "major_version": 1, "minimum_minor_version": 1,
        ]
        let message: JSONValue = [
            "version": "0.1.0", "type": "sample", "payload": .string(Base64.encode(values.serialized())),
        ]
        try await broker.registerReferenceValues(message: message.serialized(), by: "test")
    }

    /// How many decisions are in the ledger.
    public func decisionCount() async throws -> Int {
        try await DecisionRepository(store.database).list(DecisionFilter(limit: 1_000)).count
    }
}

/// The broker's error that an operation throws, or `nil` when it throws none.
public func brokerError(_ body: () async throws -> Void) async throws -> BrokerError? {
    do {
        try await body()
        return nil
    } catch let error as BrokerError {
        return error
    }
}
