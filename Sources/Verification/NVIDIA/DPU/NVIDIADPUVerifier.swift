import Encodings
import FoundationEssentials
public import RATS
public import X509Trust

/// Believes evidence of NVIDIA BlueField data processing units: a DICE certificate of the firmware that runs, under the
/// certificate of the card, and a signature by its key.
///
/// No evidence of a real card is in public.
public struct NVIDIADPUVerifier: EvidenceVerifier {
    /// What a site accepts.
    public struct Options: Sendable, Hashable {
        /// The roots over the identities of cards. Without any nothing is believed.
        public var anchors: [PinnedAnchor]
        /// How old the certificate of the running firmware may be, which the card makes when it starts.
        public var maximumAge: Duration = .seconds(3600)
        /// How far that certificate may be ahead of the broker's clock.
        public var maximumClockSkew: Duration = .seconds(60)

        /// The defaults, with these roots.
        public init(anchors: [PinnedAnchor] = []) {
            self.anchors = anchors
        }
    }

    /// The kind `nvidia-dpu`.
    public let tee: TEE = .nvidiaDPU
    /// What is accepted.
    public let options: Options

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// Verifies the two certificates to a configured root, how old the first is, and that its key signed the report data.
    ///
    /// The evidence is `{"version": 1, "devices": [{"architecture", "alias_cert", "device_id_cert",
    /// "report_data_signature"}]}` with one card; the signature is over the report data, or over it with zeros behind up to
    /// 64 bytes, as agents do it. Throws a ``VerificationError`` whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let card = try Card(evidence.content)
        let now = context.clock.now()
        let chain = try chain(of: card, at: now)
        let made = chain.leaf.notBefore
        try requireFresh(made, now: now)
        guard let key = try? chain.leaf.publicKey, let index = Self.candidate(signed: card.signature, by: key, binding)
        else { throw .signatureInvalid("the report data by the DPU") }
        guard
            let layers = chain.leaf.extensionValue(FirmwareIdentifier.compositeOID).flatMap(FirmwareIdentifier.layers),
            let accumulated = try? DigestAlgorithm.sha384.hash(Array(layers.joined()))
        else { throw .malformed("The DPU's certificate does not say which firmware runs.") }
        let subject = chain.certificates[1].subjectAttributes ?? []
        guard let serial = subject.first(where: { $0.oid == "2.5.4.5" })?.value,
            let name = subject.first(where: { $0.oid == "2.5.4.3" })?.value,
            (serial + name).unicodeScalars.allSatisfy(\.isPrintable)
        else { throw .malformed("The DPU's certificate does not say which card it is.") }
        let claims: JSONObject = [
            "device_serial": .string(serial), "device_class": .string(name),
            "firmware_layers_count": .int(Int64(layers.count)),
            "accumulated_fwid": .string(Hex.encode(accumulated)),
            "alias_timestamp": .int(Int64(made.timeIntervalSince1970)),
            "session_nonce": .string(Hex.encode(binding.reportData[index])),
        ]
        return [
            EvidenceClaims(
                tee: tee, claims: claims, matchedReportData: index,
                steps: [
                    .passed("certificate chain", "issued under the configured \(chain.anchor.name)"),
                    .skipped("revocation", "nobody publishes what is revoked"),
                    .passed("freshness", "the firmware's certificate was made \(made.formatted(.iso8601))"),
                    .passed("report data", "signed by the key of the running firmware"),
                ], chain: chain.certificates.map(\.der))
        ]
    }

    /// Nothing: a signature does not say what it is over. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        _ = try Card(evidence.content)
        return []
    }

    private static func candidate(signed signature: [UInt8], by key: PublicKey, _ binding: EvidenceBinding) -> Int? {
        binding.reportData.firstIndex { digest in
            guard !digest.isEmpty else { return false }
            let padded = digest + [UInt8](repeating: 0, count: max(0, 64 - digest.count))
            return [digest, padded].contains { message in
                key.isValid(
                    signature: signature, over: message, signature.count == 96 ? .ecdsaRaw(.sha384) : .ecdsa(.sha384))
            }
        }
    }

    private func chain(of card: Card, at date: Date) throws(VerificationError) -> VerifiedChain {
        do throws(X509Error) {
            guard let anchor = options.anchors.first(where: { $0.certificate.subject == card.identity.issuer }) else {
                throw X509Error(
                    code: options.anchors.isEmpty ? "no_anchor" : "chain_not_trusted",
                    message: "No root in verifiers.nvidia-dpu.rootFiles issued the card's certificate.")
            }
            for certificate in [card.firmware, card.identity] {
                guard try certificate.publicKey.kind == .ec(.p384) else {
                    throw X509Error(code: "chain_not_trusted", message: "A key of the chain is not on P-384.")
                }
            }
            return try CertificateChain.verify(
                path: [card.firmware, card.identity, anchor.certificate], anchors: options.anchors, at: date)
        } catch {
            throw VerificationError(
                code: error.code, message: "The certificates of the DPU are refused. \(error.message)")
        }
    }

    private func requireFresh(_ made: Date, now: Date) throws(VerificationError) {
        let age = now.timeIntervalSince(made)
        guard age <= TimeInterval(options.maximumAge.components.seconds) else {
            throw VerificationError(
                code: "evidence_expired",
                message: "The certificate of the DPU's firmware is of \(made.formatted(.iso8601)), too long ago.")
        }
        guard -age <= TimeInterval(options.maximumClockSkew.components.seconds) else {
            throw VerificationError(
                code: "evidence_not_yet_valid",
                message: "The certificate of the DPU's firmware is of \(made.formatted(.iso8601)), still to come.")
        }
    }
}

/// What a card presented.
private struct Card {
    let firmware: Certificate
    let identity: Certificate
    let signature: [UInt8]

    private static let maximumField = 16_384

    init(_ content: JSONValue) throws(VerificationError) {
        guard content["version"] == 1, let devices = content["devices"]?.arrayValue, devices.count == 1,
            let device = devices.first
        else { throw .malformed("DPU evidence needs version 1 and exactly one device.") }
        guard let firmware = Self.bytes(device["alias_cert"]), let identity = Self.bytes(device["device_id_cert"]),
            let signature = Self.bytes(device["report_data_signature"]), signature.count <= 128,
            let alias = try? Certificate(der: firmware), let card = try? Certificate(der: identity)
        else { throw .malformed("DPU evidence needs two certificates and a signature in base64.") }
        (self.firmware, self.identity, self.signature) = (alias, card, signature)
    }

    private static func bytes(_ value: JSONValue?) -> [UInt8]? {
        guard let text = value?.stringValue, text.utf8.count <= maximumField else { return nil }
        return try? Base64.decode(text)
    }
}
