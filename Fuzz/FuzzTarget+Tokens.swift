import Encodings
import RATS
import Verification

#if canImport(Glibc)
    import Glibc
#endif

/// Evidence of systems whose statements are tokens or answers rather than reports.
extension FuzzTarget {
    func ccaToken(_ bytes: [UInt8]) {
        guard let token = try? CCAToken(parsing: bytes) else { return }
        // Everything that is believed lies in the bytes.
        let size = token.realm.challenge.count + token.realm.keyBytes.count + token.platform.instanceID.count
        guard size <= bytes.count, !token.platform.components.isEmpty else { abort() }
        let content: JSONValue = ["token": .string(Base64.encode(bytes))]
        let stated = try? CCAVerifier().statedReportData(in: Evidence(tee: .cca, content: content))
        guard stated == token.realm.challenge else { abort() }
    }

    func manifest(_ bytes: [UInt8]) {
        if let found = try? CCAEndorsements(unsignedManifest: bytes) {
            guard found.anchors.count + found.releases.count <= bytes.count else { abort() }
        }
        // Nobody here signs.
        if (try? CCAEndorsements(signedManifest: bytes, by: [])) != nil { abort() }
        guard let value = try? JSONValue(parsing: bytes) else { return }
        _ = try? CCAEndorsements(trustAnchors: value)
        _ = try? CCAEndorsements(referenceValues: value)
    }

    func nitroDocument(_ bytes: [UInt8]) {
        guard let document = try? NitroDocument(parsing: bytes) else { return }
        guard document.registers.values.allSatisfy({ $0.count == 48 }), !document.authorities.isEmpty else { abort() }
    }

    func imageHeader(_ bytes: [UInt8]) {
        guard let header = try? SEImageHeader(parsing: bytes) else { return }
        guard header.tags.count == 208, header.tag == Array(bytes.suffix(16)) else { abort() }
    }

    func seEvidence(_ bytes: [UInt8]) {
        guard let content = try? JSONValue(parsing: bytes) else { return }
        let verifier = SEVerifier(SEVerifier.Options())
        guard let data = try? verifier.statedReportData(in: Evidence(tee: .se, content: content)) else { return }
        guard (1...256).contains(data.count) else { abort() }
    }
}
