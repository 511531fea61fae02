public import RATS

/// Where collateral is to be had: a manufacturer's service, a mirror of it, or files.
public protocol CollateralOrigin: Sendable {
    /// Names the origin for people and in metrics, such as `kds https://kdsintf.amd.com`.
    var name: String { get }
    /// Whether asking it needs the network.
    var usesNetwork: Bool { get }

    /// Whether it has things like this at all.
    func provides(_ name: CollateralName) -> Bool

    /// Asks for an item, which is not believed yet.
    func item(_ name: CollateralName) async throws(CollateralFetchFailure) -> CollateralItem
}

/// Why an origin did not hand out an item.
public struct CollateralFetchFailure: Error, Sendable, Hashable {
    /// What kind of failure it is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The origin has no such item.
        case unknown
        /// The origin asks to be left alone for a while.
        case throttled
        /// The origin did not answer, or not as agreed; it may do so later.
        case unavailable
        /// What the origin handed out is no such item.
        case malformed
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// A sentence for the operator.
    public let message: String
    /// How long the origin asked not to be asked again, in seconds.
    public let retryAfter: Double?

    /// A failure with its kind and a sentence.
    public init(_ kind: Kind, _ message: String, retryAfter: Double? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }
}

/// Collateral straight from its origins, without a cache: each item is asked for anew, inspected, and handed on.
///
/// For programs that run once. A broker uses ``CollateralCache``.
public struct DirectCollateral: CollateralSource {
    private let origins: [any CollateralOrigin]
    private let inspectors: CollateralInspectors

    /// Collateral from these origins, which are tried in their order, and only what one of the inspectors believes.
    public init(origins: [any CollateralOrigin], inspectors: [any CollateralInspector]) {
        self.origins = origins
        self.inspectors = CollateralInspectors(inspectors)
    }

    /// The item of this name from the first origin that has a good one.
    public func item(_ name: CollateralName) async throws(CollateralError) -> CollateralItem {
        var refusal = CollateralError.unavailable(name, "no origin has such things.")
        for origin in origins where origin.provides(name) {
            do throws(CollateralFetchFailure) {
                let item = try await origin.item(name)
                if let error = inspectors.refusal(of: item, named: name) {
                    refusal = error
                } else {
                    return item
                }
            } catch {
                refusal = CollateralError(error, name)
            }
        }
        throw refusal
    }
}

extension CollateralError {
    /// What a caller is told of an origin's failure.
    init(_ failure: CollateralFetchFailure, _ name: CollateralName) {
        switch failure.kind {
        case .unknown: self = .unknown(name, failure.message)
        case .throttled, .unavailable: self = .unavailable(name, failure.message)
        case .malformed: self.init(code: "collateral_malformed", message: "\(name): \(failure.message)")
        }
    }
}
