import X509TestSupport

/// RSA keys of 4096 bits, as AMD's authorities have them: each takes seconds to make and is made once in a process, when
/// it is first asked for.
package enum SlowKey {
    /// Of the roots.
    package static var root: TestKey { get throws { try first.get() } }
    /// Of the authorities over chips.
    package static var chipAuthority: TestKey { get throws { try second.get() } }
    /// Of the authorities over providers.
    package static var providerAuthority: TestKey { get throws { try third.get() } }
    /// Of somebody who pretends to be all of them.
    package static var impostor: TestKey { get throws { try fourth.get() } }

    private static let first = make()
    private static let second = make()
    private static let third = make()
    private static let fourth = make()

    private static func make() -> Result<TestKey, any Error> { Result { try TestKey.generate(.rsa(4096)) } }
}
