import CEL
import Encodings
import Guest
import JOSE
import KBSProtocol
import LinearRegex
import Policy
import X509Trust

#if canImport(Glibc)
    import Glibc
#endif

/// A parser that must survive any bytes: it may refuse them, in bounded time and memory, and nothing else.
enum FuzzTarget: String, CaseIterable {
    case json, jwk, jwe, jws, cel, regex, policy, bundle, path, auth, attest, initdata, sealed
    case certificate, crl
    case snpreport, snpevidence, snptable, snpcertificate
    case intelquote, pckextension, tcbinfo, qeidentity
    case eventlog, tpmquote, tpmkey, tpmevidence, hclreport
    case tpmanswer, guestlog, luks, agentfile
    case ovmf, eif, uki, seheader, idblock
    case cbor, cose, ccatoken, corim, nitro, seimage, seevidence
    case signedmanifest
    case sevcertificate, sevrequest, sevevidence
    case svsmmanifest, svsmevidence, dcuevidence, devicetree, pefevidence
    case spdm, nvidiaevidence, rim, c14n

    func run(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        switch self {
        case .json: json(bytes)
        case .jwk: jwk(bytes)
        case .jwe: _ = try? Self.recipientKey?.decrypt(bytes)
        case .jws: _ = try? JWS(compact: text)
        case .cel: cel(text)
        case .regex: _ = try? LinearRegex(text).firstMatch(in: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab é\n")
        case .policy:
            guard let documents = try? PolicyParser.parse(text, source: "fuzz.yaml") else { return }
            _ = try? PolicyBundle(documents)
        case .bundle: bundle(bytes, text)
        case .path: path(text)
        case .auth: _ = try? AuthRequest(parsing: bytes)
        case .attest:
            for version in ProtocolVersion.allCases {
                let session = SessionParameters(version: version, tee: .sample, nonce: "bm9uY2U=")
                _ = try? AttestRequest(parsing: bytes, session: session)
            }
        case .initdata: _ = try? InitData(toml: text)
        case .sealed: sealed(bytes, text)
        case .certificate: X509Targets.certificate(bytes)
        case .crl: X509Targets.revocationList(bytes)
        case .snpreport: snpReport(bytes)
        case .snpevidence: snpEvidence(bytes)
        case .snptable: snpTable(bytes)
        case .snpcertificate: snpCertificate(bytes)
        case .intelquote: intelQuote(bytes)
        case .pckextension: pckExtension(bytes)
        case .tcbinfo: tcbInfo(bytes)
        case .qeidentity: qeIdentity(bytes)
        case .eventlog: eventLog(bytes)
        case .tpmquote: tpmQuote(bytes)
        case .tpmkey: tpmKey(bytes)
        case .tpmevidence: tpmEvidence(bytes)
        case .hclreport: hclReport(bytes)
        case .tpmanswer: tpmAnswer(bytes)
        case .guestlog: guestLog(bytes)
        case .luks: luks(bytes)
        case .agentfile: agentFile(text)
        case .ovmf: ovmf(bytes)
        case .eif: enclave(bytes)
        case .uki: executable(bytes)
        case .seheader: secureExecution(bytes)
        case .idblock: idBlock(bytes)
        case .cbor: cbor(bytes)
        case .cose: cose(bytes)
        case .ccatoken: ccaToken(bytes)
        case .corim: manifest(bytes)
        case .signedmanifest: signedManifest(bytes)
        case .nitro: nitroDocument(bytes)
        case .seimage: imageHeader(bytes)
        case .seevidence: seEvidence(bytes)
        case .sevcertificate: sevCertificate(bytes)
        case .sevrequest: sevRequest(bytes)
        case .sevevidence: sevEvidence(bytes)
        case .svsmmanifest: svsmManifest(bytes)
        case .svsmevidence: svsmEvidence(bytes)
        case .dcuevidence: dcuEvidence(bytes)
        case .devicetree: deviceTree(bytes)
        case .pefevidence: pefEvidence(bytes, text)
        case .spdm: nvidiaReport(bytes)
        case .nvidiaevidence: nvidiaEvidence(bytes)
        case .rim: nvidiaManifest(bytes)
        case .c14n: canonicalXML(bytes)
        }
    }

    private func bundle(_ bytes: [UInt8], _ text: String) {
        guard let bundle = try? SignedPolicyBundle(parsing: bytes) else { return }
        // What can be read says what it is, is written so that the same bytes are signed, and nobody here signed it.
        guard SignedPolicyBundle.isOne(text),
            let again = try? SignedPolicyBundle(parsing: bundle.serialized()),
            again.content.canonical == bundle.content.canonical, again.signatures == bundle.signatures
        else { abort() }
        if let keys = Self.policyKeys, (try? keys.signers(of: bundle)) != nil { abort() }
    }

    private func sealed(_ bytes: [UInt8], _ text: String) {
        _ = try? SealedText.unverifiedSecret(text)
        // Nobody here signed it.
        if let key = Self.sealingKey, (try? SealedText(text).secret(signedWith: key)) != nil { abort() }
        guard let secret = try? SealedSecret(parsing: bytes) else { return }
        guard (try? SealedSecret(parsing: secret.json.serialized())) == secret else { abort() }
    }

    private static let sealingKey = (try? SigningKey.generate(.es256))?.verificationKey

    private static let policyKeys = (try? SigningKey.generate(.es256)).flatMap {
        try? TrustedPolicyKeys([$0.verificationKey])
    }

    private static let recipientKey = try? JWEPrivateKey.generate(.ecP256)

    private func json(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes) else { return }
        // What was read is written so that it reads the same: a reader and a writer that disagree are a way in.
        let again = try? JSONValue(parsing: value.serialized())
        guard again == value else { abort() }
        if let canonical = try? value.canonical(), (try? JSONValue(parsing: canonical)) == nil { abort() }
    }

    private func cel(_ text: String) {
        let variables: [String: CELValue] = ["claims": ["snp": ["policy_debug_allowed": false]], "tee": "snp"]
        for isChecked in [true, false] {
            let environment = CELEnvironment(
                variables: ["claims": .map(.string, .dyn), "tee": .string], isChecked: isChecked)
            guard let program = try? CELProgram(text, environment: environment) else { continue }
            _ = (try? program.evaluate(variables, costLimit: 10_000))?.json(maximumValues: 1000)
            _ = program.trace(variables, costLimit: 10_000, isExhaustive: true)
        }
    }

    private func jwk(_ bytes: [UInt8]) {
        guard let object = (try? JSONValue(parsing: bytes))?.objectValue else { return }
        _ = try? VerificationKey(jwk: object)
        _ = try? JWERecipient(jwk: object).encrypt(SecretBytes([1, 2, 3]))
    }

    private func path(_ text: String) {
        _ = try? ResourceURI(text)
        guard let path = try? ResourcePath(text) else { return }
        // The bytes that a policy matches are the bytes that name the resource (A37).
        guard path.description == text else { abort() }
    }
}

private let target: FuzzTarget = {
    guard let name = getenv("FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        print("fuzz: set FUZZ_TARGET to one of: \(names)")
        exit(2)
    }
    return target
}()

/// libFuzzer's entry: one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The package manager renames an executable's entry to this symbol, which libFuzzer's own `main` does not know.
@_cdecl("fuzz_main")
public func fuzzMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments
    return runDriver(&count, &arguments, { fuzzOneInput($0, $1) })
}
