import Encodings
import RATS
import Verification

/// A guest on a processor of the stand-in for AMD. Everything that it presents can be changed before it is signed.
package struct SimulatedSNPGuest: Sendable {
    /// How guests send a report.
    package enum Form: Sendable, Hashable {
        /// Field by field, with certificates in a list.
        case fields(SNPReportShape)
        /// The bytes in base64, with the host's table of certificates.
        case raw

        /// Every form.
        package static let all = SNPReportShape.allCases.map(Form.fields) + [.raw]
    }

    /// The key that signs.
    package var key: SimulatedEndorsementKey
    /// The certificate that is sent along; `nil` for none.
    package var certificate: [UInt8]?
    /// The kind that the certificate is sent as.
    package var certificateKind: SNPEndorsementKeyKind
    /// The report, whose report data and signature are filled in when it is sent.
    package var report: SNPReport

    /// A guest that nothing is wrong with, on a chip of its own.
    package init(_ amd: SimulatedAMD, kind: SNPEndorsementKeyKind = .vcek, chip: UInt8 = 1) throws {
        let product = amd.product
        let hardwareID = (0..<product.hardwareIDByteCount).map { UInt8(truncatingIfNeeded: $0) &* 7 &+ chip }
        let levels = SNPTCBLevels(
            fmc: product.hasFMC ? 1 : nil, bootloader: 4, tee: 2, snp: 22, microcode: 213)
        let draft = amd.endorsementKeyDraft(kind, hardwareID: hardwareID, levels: levels)
        self.init(try amd.endorsementKey(draft), product: product)
    }

    /// A guest whose report fits a key's certificate.
    package init(_ key: SimulatedEndorsementKey, product: SNPProduct) {
        self.key = key
        certificate = key.certificate
        certificateKind = key.draft.kind
        let tcb = SNPTCB(key.draft.levels, product: product)
        let identifier = key.draft.kind == .vcek ? key.draft.hardwareID : []
        report = SNPReport(
            version: 5, policy: [.mustBeOne, .smtAllowed], currentTCB: tcb,
            platformInfo: [.smtEnabled, .aliasCheckComplete], keyInfo: SNPKeyInfo(signer: key.draft.kind),
            reportData: Array(repeating: 0, count: 64), measurement: Array(repeating: 0x5E, count: 48),
            reportID: Array(repeating: 0x1D, count: 32), reportedTCB: tcb, processor: Self.processor(product),
            chipID: padded(identifier, to: 64), committedTCB: tcb, launchTCB: tcb)
    }

    /// This guest with another report; it is signed again whenever it is sent.
    package func twin(_ change: (inout SNPReport) -> Void) -> SimulatedSNPGuest {
        var twin = self
        change(&twin.report)
        return twin
    }

    /// The signed report, with zeros after the digest that it is bound to.
    package func signedReport(bound digest: [UInt8]) throws -> [UInt8] {
        var report = report
        report.reportData = padded(digest, to: 64)
        let signature = try key.privateKey.signature(for: report.encoded()[..<SNPReport.signedByteCount])
        guard let signature = SNPSignature(rawRepresentation: Array(signature.rawRepresentation)) else {
            throw SimulationError("a signature has another size")
        }
        report.signature = signature
        return report.encoded()
    }

    /// Fresh evidence that is bound to a digest.
    package func evidence(bound digest: [UInt8], form: Form = .fields(.agent15)) throws -> Evidence {
        let bytes = try signedReport(bound: digest)
        switch form {
        case .raw:
            let kind: SNPCertificateTable.Kind = certificateKind == .vcek ? .vcek : .vlek
            let table = certificate.map { Base64.encode(SimulatedCertificateTable([(kind, $0)]).bytes) }
            return Evidence(
                tee: .snp,
                content: ["report": .string(Base64.encode(bytes)), "cert_table": table.map(JSONValue.string) ?? .null])
        case .fields(let shape):
            let chain = certificate.map { JSONValue.array([entry($0, shape)]) }
            return Evidence(
                tee: .snp, content: ["attestation_report": .object(shape.json(bytes)), "cert_chain": chain ?? .null])
        }
    }

    private static func processor(_ product: SNPProduct) -> SNPProcessor {
        switch product {
        case .milan: SNPProcessor(family: 0x19, model: 0x01, stepping: 1)
        case .genoa: SNPProcessor(family: 0x19, model: 0x11, stepping: 1)
        case .turin: SNPProcessor(family: 0x1A, model: 0x02, stepping: 1)
        case .venice: SNPProcessor(family: 0x1A, model: 0x50, stepping: 0)
        }
    }

    private func entry(_ certificate: [UInt8], _ shape: SNPReportShape) -> JSONValue {
        // Agents before the VLEK had a name did not know it by one.
        let type: JSONValue =
            certificateKind == .vlek && shape.isOld
            ? ["OTHER": .string(SNPCertificateTable.Kind.vlek.rawValue)]
            : .string(certificateKind.rawValue.uppercased())
        return ["cert_type": type, "data": .array(certificate.map { .int(Int64($0)) })]
    }
}
