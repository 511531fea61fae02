public import Encodings
import FoundationEssentials
public import KBSProtocol

/// A guest's client of a key broker: attests once for the life of a token and fetches resources with it.
///
/// A broker may have several addresses. The one that works is kept to; another one is asked when it cannot be reached or
/// fails itself, never because of what it decided. Each address has a token of its own.
public final class KBSClient: Sendable, ResourceSource {
    private let endpoints: [BrokerEndpoint]
    private let order: AddressOrder

    /// A client that attests with `attester`.
    ///
    /// - Throws: `GuestError` with `invalid_request` when an address, certificates or init-data cannot be used.
    public init(_ configuration: KBSClientConfiguration, attester: any Attester) throws(GuestError) {
        if let initData = configuration.initData {
            do throws(KBSProtocolError) {
                _ = try InitData(toml: initData)
            } catch {
                throw GuestError(.invalidRequest, "The init-data document cannot be used: \(error.message)")
            }
        }
        var endpoints: [BrokerEndpoint] = []
        for url in configuration.urls {
            endpoints.append(try BrokerEndpoint(url, configuration, attester: attester))
        }
        if endpoints.isEmpty { endpoints = [try BrokerEndpoint(nil, configuration, attester: attester)] }
        self.endpoints = endpoints
        order = AddressOrder(
            count: endpoints.count, returnAfter: configuration.returnAfter, clock: configuration.clock)
    }

    /// How many attestations were started, at all addresses.
    public var attestations: Int {
        get async {
            var sum = 0
            for endpoint in endpoints { sum += await endpoint.tokens.attestations }
            return sum
        }
    }

    /// Brings the metrics that depend on the time, such as the token's age, up to date.
    public func refreshMetrics() async {
        await preferred.tokens.observe()
    }

    /// The current attestation token with its key; attests when there is none.
    ///
    /// - Throws: `GuestError`.
    public func token() async throws(GuestError) -> AttestedToken {
        if let held = await preferred.tokens.heldToken() { return held }
        return try await askingInTurn { (endpoint) async throws(GuestError) in try await endpoint.tokens.token() }
    }

    /// Attests when there is no token. That is no use of a token: a guest of which only readiness is asked does not renew
    /// ahead of time.
    ///
    /// - Throws: `GuestError`.
    public func requireToken() async throws(GuestError) {
        if await preferred.tokens.isHeld { return }
        try await askingInTurn { (endpoint) async throws(GuestError) in try await endpoint.tokens.require() }
    }

    /// Renews the token before it ends, for as long as the task is not cancelled and the token is being used.
    public func keepTokenFresh() async {
        while !Task.isCancelled {
            let index = order.candidates()[0]
            let (pause, failure) = await endpoints[index].tokens.renewAhead()
            if let failure, failure.concernsAddress { order.failed(index) }
            try? await Task.sleep(for: .seconds(pause))
        }
    }

    /// Fetches and opens a resource.
    ///
    /// A 401 leads to one new attestation and one more attempt; every other refusal ends the request at once.
    ///
    /// - Throws: `GuestError`; refusals carry the broker's code and decision id.
    public func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        try await askingInTurn { (endpoint) async throws(GuestError) in try await endpoint.resource(uri) }
    }

    /// Stores a resource by an admin's token; a path that exists gets a new version.
    ///
    /// - Throws: `GuestError`, also when the broker does not confirm.
    public func register(
        _ value: SecretBytes, at path: ResourcePath, adminToken: SecretBytes
    ) async throws(GuestError) {
        // At one address only: an unanswered request may have been carried out.
        try await preferred.register(value, at: path, adminToken: adminToken)
    }

    private var preferred: BrokerEndpoint { endpoints[order.candidates()[0]] }

    private func askingInTurn<Answer: Sendable>(
        _ ask: @Sendable (BrokerEndpoint) async throws(GuestError) -> Answer
    ) async throws(GuestError) -> Answer {
        var failure = GuestError(.unavailable, "No address of the broker can be asked.")
        for index in order.candidates() {
            do throws(GuestError) {
                let answer = try await ask(endpoints[index])
                order.answered(index)
                return answer
            } catch {
                guard error.concernsAddress else {
                    order.answered(index)
                    throw error
                }
                order.failed(index)
                failure = error
            }
        }
        throw failure
    }
}
