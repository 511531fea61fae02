import FoundationEssentials
import RATS
import X509Trust

/// Asks for Intel's documents and verifies each once: as long as a name gives the same bytes, neither is its signature
/// checked again nor is it read again. Dates and revocations are left to each use.
struct IntelCollateralReader: Sendable {
    private typealias Kept<Value: Sendable> = RecentValues<CollateralName, (item: CollateralItem, value: Value)>

    private let options: IntelCollateralOptions
    private let tcbInfos = Kept<SignedCollateral<TCBInfo>>(capacity: 512)
    private let identities = Kept<SignedCollateral<QEIdentity>>(capacity: 16)
    private let lists = Kept<IntelRevocationList>(capacity: 16)

    init(options: IntelCollateralOptions) { self.options = options }

    /// The collateral for quotes of this kind from this platform. The signers' certificates must be valid when it is at
    /// hand: asking for it may take its time.
    ///
    /// Throws `collateral_unavailable`, `collateral_rollback`, `revocation_unknown`, `malformed_collateral`,
    /// `unsupported_collateral_version`, `signature_invalid`, and what chains throw.
    func collateral(
        for platform: PlatformCertificate, _ kind: CollateralName.IntelQuoteKind, context: VerificationContext
    ) async throws(VerificationError) -> IntelCollateral {
        let anchors = options.anchors
        let root = platform.chain.anchor.certificate
        let rootList = try await list(.intelRootRevocationList, issuer: root, context)
        let platformList = try await list(
            .intelPCKRevocationList(platform.authority), issuer: platform.issuer, context)
        let fmspc = platform.platform.fmspc
        let infoName = CollateralName.intelTCBInfo(kind, fmspc: fmspc, channel: options.channel)
        let info = try await document(infoName, tcbInfos, context) { (item) throws(VerificationError) in
            try .tcbInfo(item, anchors: anchors, at: context.clock.now())
        }
        // Each number is compared before the next document is asked for: what is published meanwhile makes no rollback of it.
        let least = try requireNoRollback(infoName, info.content.evaluationNumber, context) {
            .intelTCBInfo(kind, fmspc: fmspc, channel: $0)
        }
        let identityName = CollateralName.intelQEIdentity(kind, channel: options.channel)
        let identity = try await document(identityName, identities, context) { (item) throws(VerificationError) in
            try .qeIdentity(item, anchors: anchors, at: context.clock.now())
        }
        try requireNoRollback(identityName, identity.content.evaluationNumber, context) {
            .intelQEIdentity(kind, channel: $0)
        }
        return IntelCollateral(
            tcbInfo: info, qeIdentity: identity, rootList: rootList, platformList: platformList,
            leastEvaluationNumber: least)
    }

    private func document<Content: Sendable>(
        _ name: CollateralName, _ kept: Kept<SignedCollateral<Content>>, _ context: VerificationContext,
        _ verify: (CollateralItem) throws(VerificationError) -> SignedCollateral<Content>
    ) async throws(VerificationError) -> SignedCollateral<Content> {
        let item: CollateralItem
        do throws(CollateralError) {
            item = try await context.collateral.item(name)
        } catch {
            throw VerificationError(code: "collateral_unavailable", message: error.message)
        }
        if let known = kept.value(for: name), known.item == item { return known.value }
        let value = try verify(item)
        kept.keep((item, value), for: name)
        return value
    }

    private func list(
        _ name: CollateralName, issuer: Certificate, _ context: VerificationContext
    ) async throws(VerificationError) -> IntelRevocationList {
        let item: CollateralItem
        do throws(CollateralError) {
            item = try await context.collateral.item(name)
        } catch {
            throw VerificationError(code: "revocation_unknown", message: error.message)
        }
        if let known = lists.value(for: name), known.item == item, known.value.issuer == issuer { return known.value }
        let value = try IntelRevocationList(item, issuer: issuer)
        lists.keep((item, value), for: name)
        return value
    }

    /// Refuses a lower evaluation number than is demanded, or than the source ever saw for this kind of quote and this
    /// family of platforms, so that nobody can hide a weakness behind an older document that is still valid. What is
    /// published early is never behind what is published after the time of grace.
    ///
    /// Returns the least number that is let in.
    @discardableResult
    private func requireNoRollback(
        _ name: CollateralName, _ number: UInt32, _ context: VerificationContext,
        named: (CollateralName.IntelUpdateChannel) -> CollateralName
    ) throws(VerificationError) -> UInt64 {
        let channels = options.channel == .early ? CollateralName.IntelUpdateChannel.allCases : [options.channel]
        let highest = channels.compactMap { context.collateral.highestSequence(of: named($0)) }.max() ?? 0
        let least = max(UInt64(options.minimumEvaluationNumber), highest)
        guard UInt64(number) >= least else {
            throw VerificationError(
                code: "collateral_rollback",
                message:
                    "\(name) has the evaluation number \(number), and \(least) was demanded or seen before. Fetch it again."
            )
        }
        return least
    }
}
