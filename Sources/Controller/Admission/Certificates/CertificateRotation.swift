import FoundationEssentials
import X509Trust

/// The order in which one certificate takes another's place without a call being refused: the new authority is trusted first,
/// then the new certificate is served, then the old authority is trusted no more.
struct CertificateRotation: Sendable {
    /// How long an authority is published before anything is served that needs it: API servers take over configurations
    /// within seconds.
    static let announcement: Duration = .seconds(60)
    /// How long the former authority stays: every replica has noticed by then.
    static let retirement: Duration = .seconds(600)

    let names: ServiceNames
    let now: Date

    /// What the Secret should say after the next step; the same when nothing is to be done.
    ///
    /// - Parameter published: for how long API servers have had the present bundle; nil when they do not have it.
    func step(_ store: CertificateStore, published: Duration?) throws(X509Error) -> CertificateStore {
        guard let current = store.current, current.isValid(at: now) else {
            // Nobody is served by what is not valid: there is nothing to wait for.
            if let next = store.next, next.isValid(at: now) { return CertificateStore(current: next) }
            return CertificateStore(current: try .generate(names, at: now))
        }
        var result = store
        if let next = store.next {
            guard next.isValid(at: now), !next.isDue(at: now, names) else {
                result.next = try .generate(names, at: now)
                return result
            }
            if let published, published >= Self.announcement {
                return CertificateStore(current: next, former: current.authority)
            }
        } else if current.isDue(at: now, names) {
            result.next = try .generate(names, at: now)
        } else if store.former != nil, let published, published >= Self.retirement {
            result.former = nil
        }
        return result
    }
}
