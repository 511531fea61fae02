import Encodings
import EvidenceSimulator
import RATS
import Testing

@testable import Verification

@Suite("SEV-SNP: forms of evidence")
struct SNPEvidenceTests {
    private func code(_ content: JSONValue) -> String? {
        do throws(VerificationError) {
            _ = try SNPEvidence(content)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("each shape that released agents sent gives the signed bytes back", arguments: SNPVector.withReport)
    func shapes(_ vector: SNPVector) async throws {
        let bytes = try vector.report()
        for shape in SNPReportShape.allCases where shape.canCarry(bytes) {
            let content: JSONValue = [
                "attestation_report": .object(shape.json(bytes)),
                "cert_chain": [certificateEntry(.string(vector.kind.rawValue.uppercased()), try vector.certificate())],
            ]
            #expect(try SNPEvidence(content).report == bytes, "\(shape)")
            #expect(try await SNPVerifier(.lenient).refusal(vector, content) == nil, "\(shape)")
        }
        #expect(try SNPEvidence(vector.evidence()).report == bytes)
    }

    @Test("the report may come as its bytes, the certificates as the host's table", arguments: SNPVector.withReport)
    func rawForms(_ vector: SNPVector) async throws {
        let report: JSONValue = .string(Base64.encode(try vector.report()))
        let table = SimulatedCertificateTable(
            [
                (.ark, [1, 2, 3]), (vector.kind == .vcek ? .vcek : .vlek, try vector.certificate()), (.ask, [4]),
            ], padding: 5)
        let content: JSONValue = ["report": report, "cert_table": .string(Base64.encode(table.bytes))]
        #expect(try await SNPVerifier(.lenient).refusal(vector, content) == nil)
    }

    @Test("a VLEK under the name that agents before it used is found")
    func otherName() async throws {
        let vector = try SNPVector.named("milan-v3-vlek-vmpl1")
        let entry = certificateEntry(
            ["OTHER": "a8074bc2-a25a-483e-aae6-39c045a0b8a1"], try vector.certificate())
        var content = try #require(vector.evidence().objectValue)
        content["cert_chain"] = [certificateEntry("Empty", []), entry]
        #expect(try await SNPVerifier(.lenient).refusal(vector, .object(content)) == nil)
    }

    @Test("roots, intermediates and lists from the guest count for nothing, whatever they are")
    func ignored() async throws {
        let guest = try SNPGuest()
        let impostor = try SNPGuest(SimulatedAMD(isImpostor: true))
        let chain: [JSONValue] = [
            certificateEntry("ARK", impostor.amd.root.certificate.der),
            certificateEntry("ASK", impostor.amd.chipAuthority.certificate.der), certificateEntry("CRL", [0]),
            ["cert_type": ["OTHER": "c0b406a4-a803-4952-9743-3fb6014cd0ae"], "data": "not even bytes"],
        ]
        func code(_ signer: SNPGuest) async throws -> String? {
            await SNPVerifier(guest.options()).refusal(
                [
                    "report": .string(Base64.encode(try guest.report.signed(by: signer.key))),
                    "cert_chain": .array(chain + [certificateEntry("VCEK", signer.key.certificate)]),
                ], binding: EvidenceBinding(reportData: [guest.digest]),
                context: VerificationContext(clock: .fixed(guest.amd.now), collateral: try guest.collateral()))
        }
        #expect(try await code(guest) == nil)
        #expect(try await code(impostor) == "chain_not_trusted")
    }

    @Test("evidence that can be read in two ways, or in none, is refused")
    func ambiguous() throws {
        let vector = try SNPVector.named("genoa-v3-trustee-e2e")
        let good = try #require(vector.evidence().objectValue)
        let raw: JSONValue = .string(Base64.encode(try vector.report()))
        let vcek = certificateEntry("VCEK", try vector.certificate())
        #expect(code(.object(good)) == nil)
        let changes: [(String, (inout JSONObject) -> Void)] = [
            ("two reports", { $0["report"] = raw }), ("no report", { $0["attestation_report"] = nil }),
            ("report of another kind", { $0["attestation_report"] = raw }),
            ("two lists of certificates", { $0["cert_table"] = "AAAA" }),
            ("two VCEKs", { $0["cert_chain"] = [vcek, vcek] }),
            ("too many", { $0["cert_chain"] = .array(Array(repeating: certificateEntry("ASK", []), count: 17)) }),
            ("no bytes", { $0["cert_chain"] = [["cert_type": "VCEK", "data": "AAAA"]] }),
            ("no byte", { $0["cert_chain"] = [["cert_type": "VCEK", "data": [256]]] }),
            ("too long", { $0["cert_chain"] = [certificateEntry("VCEK", Array(repeating: 0, count: 8193))] }),
            ("no list", { $0["cert_chain"] = "VCEK" }),
        ]
        for (name, change) in changes {
            var content = good
            change(&content)
            #expect(code(.object(content)) == "malformed_evidence", "\(name)")
        }
        for content: JSONValue in [.null, "x", [], ["report": "A==="], ["report": raw, "cert_table": "*"]] {
            #expect(code(content) == "malformed_evidence")
        }
        #expect(code(["report": raw]) == nil)
        #expect(code(["report": .string(Base64.encode(try vector.report()) + "\n")]) == "malformed_evidence")
    }

    @Test("every member of the report is needed, of its size and within a byte's or number's bounds")
    func members() throws {
        let optional: Set = ["cpuid_fam_id", "cpuid_mod_id", "cpuid_step", "launch_mit_vector", "current_mit_vector"]
        for id in ["turin-v5-openanolis", "genoa-v3-trustee-e2e"] {
            let bytes = try SNPVector.named(id).report()
            for shape in SNPReportShape.allCases where shape.canCarry(bytes) {
                let good = shape.json(bytes)
                for (name, value) in good {
                    var wrong: [JSONValue?] = ["x", -1, 1.5, true, [:]]
                    if !optional.contains(name) { wrong += [nil, .null] }
                    if let array = value.arrayValue {
                        wrong += [.array(array + [0]), .array(array.dropLast()), .array([256] + array.dropFirst())]
                    }
                    for replacement in wrong {
                        var changed = good
                        changed[name] = replacement
                        let content: JSONValue = ["attestation_report": .object(changed)]
                        #expect(code(content) == "malformed_evidence" || isBytes(content, not: bytes), "\(name)")
                    }
                }
            }
        }
    }

    /// Whether the evidence is read as another report: that is for the signature to refuse.
    private func isBytes(_ content: JSONValue, not bytes: [UInt8]) -> Bool {
        guard let read = try? SNPEvidence(content).report else { return false }
        return read != bytes
    }

    @Test("entries of the host's table lie within it, behind its list, and are of each kind once")
    func certificateTable() throws {
        func isRefused(_ bytes: [UInt8]) -> Bool { (try? SNPCertificateTable(parsing: bytes)) == nil }
        let good = SimulatedCertificateTable([(.vcek, [1, 2]), (.ask, [3])])
        #expect(try SNPCertificateTable(parsing: good.bytes).endorsementKeys == [.vcek: [1, 2]])
        #expect(try SNPCertificateTable(parsing: SimulatedCertificateTable([]).bytes).endorsementKeys.isEmpty)
        let others = SimulatedCertificateTable([(.ark, [1]), (.ask, [2]), (.revocationList, [3]), (.vlek, [4])])
        #expect(try SNPCertificateTable(parsing: others.bytes).endorsementKeys == [.vlek: [4]])
        #expect(isRefused(SimulatedCertificateTable([(.ask, [1]), (.ask, [2])]).bytes))
        #expect(isRefused([]))
        #expect(isRefused(Array(good.bytes.prefix(71))))
        #expect(isRefused(Array(good.bytes.dropLast())))
        #expect(isRefused(SimulatedCertificateTable([(.vcek, [1]), (.vcek, [2])]).bytes))
        #expect(isRefused(SimulatedCertificateTable(Array(repeating: (.ask, []), count: 17)).bytes))
        for (offset, byte) in [(16, UInt8(0)), (16, 71), (16, 74), (19, 0xFF), (20, 4), (23, 0xFF)] {
            var changed = good.bytes
            changed[offset] = byte
            #expect(isRefused(changed), "offset \(offset)")
        }
    }

    @Test("A23: a host's table has at most 64 KiB, and a key's certificate in it at most 8 KiB")
    func tableSize() throws {
        func isRefused(_ bytes: [UInt8]) -> Bool { (try? SNPCertificateTable(parsing: bytes)) == nil }
        let small = SimulatedCertificateTable([(.vcek, [1])])
        let room = 65_536 - small.bytes.count
        #expect(!isRefused(SimulatedCertificateTable([(.vcek, [1])], padding: room).bytes))
        #expect(isRefused(SimulatedCertificateTable([(.vcek, [1])], padding: room + 1).bytes))
        for kind in [SNPCertificateTable.Kind.vcek, .vlek] {
            func table(_ count: Int) -> [UInt8] {
                SimulatedCertificateTable([(kind, [UInt8](repeating: 0, count: count))]).bytes
            }
            #expect(!isRefused(table(8192)))
            #expect(isRefused(table(8193)))
        }
        // What is not copied may be as large as the table.
        #expect(!isRefused(SimulatedCertificateTable([(.revocationList, [UInt8](repeating: 0, count: 60_000))]).bytes))
    }

    private func certificateEntry(_ type: JSONValue, _ der: [UInt8]) -> JSONValue {
        ["cert_type": type, "data": .array(der.map { .int(Int64($0)) })]
    }
}
