import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

/// What holds for every file of the folder Policies; what each of them decides is in the tables of the folder Golden.
@Suite("Ready policies")
struct ReadyPoliciesTests {
    /// Holds values and no policy.
    static let values = "sample-reference-values.yaml"

    /// Files that can be in force together.
    static let files = names(in: "")
    /// Files that take the place of another one.
    static let replacements = names(in: "development/")

    private static func names(in folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: Fixture.policiesFolder.appending(path: folder).path)
        return (names ?? []).filter { $0.hasSuffix(".yaml") && !$0.hasSuffix(".test.yaml") }.sorted().map {
            folder + $0
        }
    }

    private static func specs(_ effect: ReleaseEffect) throws -> [(file: String, spec: ReleasePolicySpec)] {
        try files.flatMap { file in
            try PolicyParser.parse(Fixture.readyPolicy(file), source: file).compactMap { document in
                guard case .release(let spec) = document.spec, spec.effect == effect else { return nil }
                return (file, spec)
            }
        }
    }

    @Test("all files together make a bundle")
    func all() throws {
        #expect(Self.files.count >= 24)
        #expect(!Self.replacements.isEmpty)
        let documents = try Self.files.flatMap { try PolicyParser.parse(Fixture.readyPolicy($0), source: $0) }
        #expect(try PolicyBundle(documents).documents.count == documents.count)
    }

    @Test(
        "every file is explained in the README, is named as its document, and says what it is for",
        arguments: files + replacements)
    func named(_ file: String) throws {
        #expect(try Fixture.readyPolicy("README.md").contains("`\(file)`"))
        let text = try Fixture.readyPolicy(file)
        let documents = try PolicyParser.parse(text, source: file)
        #expect(text.hasPrefix("# "))
        guard file != Self.values else { return }
        #expect(documents.map { $0.name + ".yaml" } == [file.split(separator: "/").last.map(String.init)])
        if documents.contains(where: { $0.kind == .releasePolicy || $0.kind == .clusterReleasePolicy }) {
            let head = text.components(separatedBy: "apiVersion")[0]
            #expect(head.contains("Protects against"), "the head of \(file) does not say what it protects against")
        }
    }

    @Test("every policy has golden tables, named after it", arguments: (files + replacements).filter { $0 != values })
    func golden(_ file: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        let tables = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let name = try #require(file.split(separator: "/").last?.dropLast(".yaml".count))
        let about = try tables.filter { $0.hasPrefix(name) && $0.hasSuffix(".test.yaml") }.filter {
            try String(contentsOf: folder.appending(path: $0), encoding: .utf8).contains("Policies/\(file)\"")
        }
        #expect(!about.isEmpty, "no table for \(file)")
    }

    @Test("A30: what a fresh broker begins with is the files of the folder, and releases nothing")
    func installed() throws {
        let documents = try PolicyParser.parse(DefaultPolicies.text, source: "default policies")
        #expect(documents.map(\.name) == ["default-cpu", "default-gpu", "default-switch", "default-ppcie"])
        for document in documents {
            let file = try PolicyParser.parse(Fixture.readyPolicy("\(document.name).yaml"), source: document.name)
            #expect(file.map(\.digest) == [document.digest])
        }
        let bundle = try PolicyBundle(documents)
        #expect(bundle.decide(Fixture.request()).reason == .noPolicies)
    }

    @Test("A30: guardrails, appraisal policies and reference values allow nothing by themselves")
    func denyByDefault() throws {
        let allowing = try Set(Self.specs(.allow).map(\.file))
        #expect(allowing.count == 6)
        let names = Self.files.filter { !allowing.contains($0) }
        let bundle = try PolicyBundle(names.flatMap { try PolicyParser.parse(Fixture.readyPolicy($0), source: $0) })
        #expect(bundle.decide(Fixture.request()).reason == .noPolicies)
    }

    @Test(
        "A29: evidence without claims and without reference values is released to by no policy but the one for experiments",
        arguments: TEE.allCases.filter { $0.deviceClass == .cpu && $0 != .se })
    func nothingKnown(_ tee: TEE) throws {
        for (file, _) in try Self.specs(.allow) where file != "allow-attested.yaml" {
            let bundle = try Fixture.bundle(Fixture.readyPolicy("default-cpu.yaml"), Fixture.readyPolicy(file))
            let appraisals = try bundle.appraise([Fixture.input(tee, [:])], now: Fixture.now).get()
            let decision = bundle.decide(Fixture.request(attestation: Fixture.attestation(appraisals)))
            #expect(!decision.allowed, "\(file) releases to \(tee.rawValue): \(decision.explanation())")
        }
    }

    @Test(
        "A29: a posture limit denies evidence that does not tell",
        arguments: ["no-debug-guests", "no-migration", "smt-off", "single-socket", "tcb-floors"], TEE.allCases)
    func postureUnknown(_ name: String, _ tee: TEE) throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("allow-attested.yaml"), Fixture.readyPolicy("\(name).yaml"))
        let appraisal = Fixture.appraisal(tee: tee, claims: [:])
        let decision = bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal])))
        #expect(decision.reason == .guardrailDenied, "\(decision.explanation())")
    }

    @Test("A32: a tenant's ready policies are about that tenant's resources alone")
    func tenants() throws {
        for file in ["per-tenant.yaml", "image-keys.yaml", "image-pinned.yaml", "hardened-guests.yaml"] {
            let bundle = try Fixture.bundle(Fixture.readyPolicy(file))
            for path in ["research/image-key/app", "Payments/image-key/app", "payments2/image-key/app", "image-key"] {
                let decision = bundle.decide(Fixture.request(path))
                #expect(decision.reason == .noMatchingPolicy, "\(file) is about \(path)")
            }
        }
    }

    @Test("A36: the event log rules stay within their budget for a log of a thousand events")
    func longEventLog() throws {
        func event(_ kind: String, _ details: JSONValue, _ digest: String) -> JSONValue {
            [
                "type_name": .string(kind), "details": details,
                "digests": [["alg": "SHA-384", "digest": .string(digest)]],
            ]
        }
        let noise = event("EV_EFI_BOOT_SERVICES_APPLICATION", ["device_paths": ["File(shim)", "File(other)"]], "00")
        let claims: JSONObject = [
            "quote": ["body": ["rtmr_1": "01", "rtmr_2": "02"]],
            "uefi_event_logs": .array(
                Array(repeating: noise, count: 1_000) + [
                    event("EV_EFI_BOOT_SERVICES_APPLICATION", ["device_paths": ["File(kernel)"]], "aa"),
                    event("EV_EVENT_TAG", ["string": "LOADED_IMAGE::LoadOptions"], "bb"),
                ]),
        ]
        let references = ReferenceValues([
            "rtmr_1": ["01"], "rtmr_2": ["02"], "tdvfkernel": "aa", "tdvfkernelparams": "bb",
        ])
        let bundle = try Fixture.bundle(Fixture.readyPolicy("default-cpu.yaml"), registered: references)
        let report = try bundle.appraisalReport([Fixture.input(.tdx, claims)], now: Fixture.now).get()
        #expect(report.appraisals[0].vector[.executables] == 3, "\(report.traces[0].json().pretty())")
    }
}
