import RATS

/// The inspectors of all manufacturers as one. What none of them knows is refused.
struct CollateralInspectors: Sendable {
    private let inspectors: [any CollateralInspector]

    init(_ inspectors: [any CollateralInspector]) { self.inspectors = inspectors }

    /// What an item says of itself once the inspector that knows its name has verified it.
    func inspect(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        guard item.body.count <= CollateralLimits.bodyBytes, item.issuerChain.count <= CollateralLimits.certificates,
            item.issuerChain.allSatisfy({ $0.count <= CollateralLimits.certificateBytes })
        else { throw CollateralError(code: "collateral_too_large", message: "\(name) is larger than it may be.") }
        for inspector in inspectors {
            do throws(CollateralError) {
                return try inspector.inspect(item, named: name)
            } catch {
                // Another inspector may know the name; one that knows it has the last word.
                guard error.code == "collateral_unknown" else { throw error }
            }
        }
        throw .unknown(name, "nothing in this program can verify such a thing.")
    }

    /// Why an item is not believed; nil when it is.
    func refusal(of item: CollateralItem, named name: CollateralName) -> CollateralError? {
        do throws(CollateralError) {
            _ = try inspect(item, named: name)
            return nil
        } catch {
            return error
        }
    }
}

/// Bounds on what publishers and files may hand out.
enum CollateralLimits {
    /// The largest body, in bytes; the largest that is published today has some hundred thousand.
    static let bodyBytes = 4 << 20
    static let certificates = 16
    static let certificateBytes = 16 << 10
}
