import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Limits")
struct LimitTests {
    private static let snpClaims: JSONObject = ["chip_id": "a1b2", "measurement": "ff", "report_data": "00"]

    private func snp(_ chip: JSONValue? = "a1b2") -> ReleaseRequest {
        var claims = Self.snpClaims
        claims["chip_id"] = chip
        return Fixture.request(attestation: Fixture.attestation([Fixture.appraisal(tee: .snp, claims: claims)]))
    }

    private func policy(_ limits: String, name: String = "image-keys") -> String {
        Fixture.release("  match: {resources: [\"payments/**\"]}\n  limits: {\(limits)}", name: name)
    }

    private static let policyID = "ReleasePolicy/payments/image-keys"

    @Test("a policy with limits says what has to be counted, and decides with what was counted")
    func counted() throws {
        let bundle = try Fixture.bundle(policy("maxReleases: 2, per: instance, window: 24h"))
        let first = bundle.decide(snp())
        let demand = try #require(first.demands.first)
        #expect(first.allowed && first.charges.map(\.demand) == [demand])
        #expect(demand.policy == Self.policyID && demand.resource == "payments/image-key/app")
        #expect(demand.policyDigest == bundle.document(Self.policyID)?.digest)
        #expect(demand.countedInstance != nil && demand.countedInstance != bundle.decide(snp("c3")).demands[0].instance)

        var usage = LimitUsage()
        usage.releases = 2
        usage.firstReleaseAt = Fixture.now - 3600
        let denied = bundle.decide(snp(), usage: [Self.policyID: usage])
        #expect(denied.reason == .limitReached && denied.charges.isEmpty)
        let next = TimestampText.text(Fixture.now + 23 * 3600)
        #expect(denied.explanation().contains("2 of 2 releases used, first at "))
        #expect(denied.message.hasSuffix("the next is possible at \(next)."))
    }

    @Test("policies without limits demand nothing, and win over those that would be charged")
    func statelessFirst() throws {
        let plain = Fixture.release("  match: {resources: [\"payments/**\"]}", name: "zzz")
        let both = try Fixture.bundle(policy("maxReleases: 1"), plain).decide(snp())
        #expect(both.allowed && both.demands.isEmpty && both.charges.isEmpty)
        #expect(both.message.contains("ReleasePolicy/payments/zzz"))
    }

    @Test("of several policies with limits the first by name that has room is charged, and no other")
    func firstByName() throws {
        let bundle = try Fixture.bundle(
            policy("maxReleases: 1", name: "a"), policy("maxReleases: 1", name: "b"),
            policy("maxReleases: 1", name: "c"))
        let first = bundle.decide(snp())
        #expect(first.demands.count == 3 && first.charges.map(\.demand.policy) == ["ReleasePolicy/payments/a"])
        var used = LimitUsage()
        used.releases = 1
        let second = bundle.decide(snp(), usage: ["ReleasePolicy/payments/a": used])
        #expect(second.charges.map(\.demand.policy) == ["ReleasePolicy/payments/b"])
    }

    @Test("a guardrail with limits is charged for every release that it lets pass")
    func guardrail() throws {
        let limit = Fixture.clusterRelease(
            "  effect: Guardrail\n  match: {resources: [\"**\"]}\n  limits: {maxReleases: 1}", name: "cap")
        let plain = Fixture.release("  match: {resources: [\"payments/**\"]}")
        let bundle = try Fixture.bundle(plain, limit)
        #expect(bundle.decide(snp()).charges.map(\.demand.policy) == ["ClusterReleasePolicy/-/cap"])
        var used = LimitUsage()
        used.releases = 1
        let denied = bundle.decide(snp(), usage: ["ClusterReleasePolicy/-/cap": used])
        #expect(denied.reason == .guardrailDenied && denied.message.contains("1 of 1 releases used"))
    }

    @Test("limits are not looked at when another condition fails, so that they tell nothing")
    func failsAnyway() throws {
        let text = Fixture.release(
            """
              match: {resources: ["payments/**"]}
              require: {tees: [tdx]}
              limits: {maxReleases: 1}
            """)
        let decision = try Fixture.bundle(text).decide(snp())
        #expect(decision.demands.isEmpty && decision.reason == .conditionFalse)
        #expect(!decision.explanation().contains("maxReleases"))
    }

    @Test("an instance that hides, masks or lacks its identity is counted as nobody and denied")
    func unknownInstance() throws {
        let bundle = try Fixture.bundle(policy("oncePer: instance"))
        #expect(bundle.decide(snp()).allowed)
        for chip: JSONValue? in [nil, "", "0000000000", 7, "AAAAAAAA"] {
            let decision = bundle.decide(snp(chip))
            #expect(decision.reason == .instanceUnknown, "\(String(describing: chip))")
            #expect(decision.demands.isEmpty && decision.charges.isEmpty)
        }
        // Whoever starts a guest of IBM Secure Execution gets a new cuid for it.
        let se = Fixture.attestation([Fixture.appraisal(tee: .se, claims: ["cuid": "a1", "attestation_phkh": "b2"])])
        #expect(bundle.decide(Fixture.request(attestation: se)).reason == .instanceUnknown)
        // Sample evidence says nothing about hardware at all.
        #expect(bundle.decide(Fixture.request()).reason == .instanceUnknown)
    }

    @Test("an identity of one kind of hardware is never that of another")
    func kindsApart() throws {
        let bundle = try Fixture.bundle(policy("oncePer: instance"))
        func instance(_ tee: TEE, _ claims: JSONObject) -> String? {
            let appraisal = Fixture.appraisal(tee: tee, claims: claims)
            return bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal]))).demands.first?.instance
        }
        let all = [
            instance(.snp, ["chip_id": "a1"]), instance(.azSNPvTPM, ["chip_id": "a1"]),
            instance(.tdx, ["platform_instance_id": "a1"]), instance(.csv, ["chip_key_digest": "a1"]),
            instance(.cca, ["platform": ["cca-platform-implementation-id": "a", "cca-platform-instance-id": "1"]]),
            instance(.cca, ["platform": ["cca-platform-implementation-id": "a1", "cca-platform-instance-id": "x"]]),
        ]
        #expect(!all.contains(nil) && Set(all).count == all.count)
        // The measurement of a guest is its owner's choice, and does not make another instance.
        #expect(instance(.snp, ["chip_id": "a1", "measurement": "ff"]) == all[0])
    }

    @Test("a CSV guest that says another serial number is the same instance still")
    func serialNumbers() throws {
        let bundle = try Fixture.bundle(policy("oncePer: instance"))
        let instances = ["NZA9T14052605", "NZA9T14052606"].map { serial in
            let claims: JSONObject = ["chip_key_digest": "a1", "serial_number": .string(serial)]
            let appraisal = Fixture.appraisal(tee: .csv, claims: claims)
            return bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal]))).demands.first?.instance
        }
        #expect(instances[0] != nil && Set(instances).count == 1)
        let bare = Fixture.attestation([Fixture.appraisal(tee: .csv, claims: ["serial_number": "NZA9T14052605"])])
        #expect(bundle.decide(Fixture.request(attestation: bare)).reason == .instanceUnknown)
    }

    @Test("an enclave that its parent starts again, under another name, is the same instance still")
    func restartedEnclaves() throws {
        let bundle = try Fixture.bundle(policy("oncePer: instance"))
        func instance(_ module: String, pcr4: String) throws -> String? {
            let claims: JSONObject = ["module_id": .string(module), "pcr4": .string(pcr4)]
            let appraisal = Fixture.appraisal(tee: .nitro, claims: claims)
            return bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal]))).demands.first?.instance
        }
        let first = try #require(try instance("i-1-enc1", pcr4: "a1"))
        #expect(try instance("i-1-enc2", pcr4: "a1") == first)
        let other = try #require(try instance("i-2-enc1", pcr4: "a2"))
        #expect(other != first)
        #expect(try instance("i-1-enc1", pcr4: String(repeating: "0", count: 96)) == nil)
    }

    @Test("the policy may name another identity, but none that the guest or its owner chooses")
    func ownIdentity() throws {
        let own = try Fixture.bundle(policy("oncePer: instance, instance: \"claims.sample.launch_digest\""))
        #expect(own.decide(Fixture.request()).allowed)
        for weak in [
            "claims.runtime_data_claims.nonce", "claims.report_data", "claims.init_data", "request.resource", "tee",
            "attestation.issuer", "string(now)", "'constant'", "claims.tdx.quote.body.report_data", "request.query.id",
            "submods.cpu0.claims.sample.svn", "claims.sample.launch_digest + request.query.id",
        ] {
            let found = Fixture.diagnostics(policy("oncePer: instance, instance: \"\(weak)\""))
            #expect(found.map(\.code) == ["weak_identity"], "\(weak): \(found)")
        }
    }

    @Test(
        "what a guest, its owner or its host makes at will is no identity, alone or beside one",
        arguments: [
            "claims.tdx.quote.body.rtmr_3", "claims.tdx.quote.body.mr_owner", "claims.tdx.quote.body.mr_config_id",
            "claims.sgx.body.config_id", "claims.tpm.pcr16", "claims.tpm.ak_public",
            "claims.cca.realm['cca-realm-public-key']", "claims.snp.family_id", "claims.snp.image_id",
            "string(claims.snp.reported_tcb_snp)", "claims.csv.vm_version", "claims.csv.vm_id", "claims.se.cuid",
            "claims.csv.serial_number", "claims.nitro.module_id", "claims.nitro.pcr15",
            "claims.se.image_phkh", "string(claims.snp.size())", "string(claims.size())",
            "string(claims.tdx.quote.body.size())",
            "claims.snp.chip_id + claims.snp.family_id", "claims.snp.chip_id + reference('x')[0]",
            "[claims.tdx.quote].map(q, q.body.rtmr_3)[0]", "tee + tee", "claims.snp.chip_id + string(now)",
        ])
    func weakIdentities(_ weak: String) {
        let found = Fixture.diagnostics(policy("oncePer: instance, instance: \"\(weak)\""))
        #expect(found.map(\.code) == ["weak_identity"], "\(weak): \(found)")
    }

    @Test("the seventeenth value that an identity reads is looked at like the first")
    func seventeenthInput() {
        let strong = [
            "claims.snp.chip_id", "claims.snp.measurement", "claims['az-snp-vtpm'].chip_id",
            "claims['az-snp-vtpm'].measurement", "claims.tdx.platform_instance_id", "claims.tdx.quote.body.mr_td",
            "claims['az-tdx-vtpm'].platform_instance_id", "claims['az-tdx-vtpm'].quote.body.mr_td",
            "claims.sgx.platform_instance_id", "claims.sgx.body.mr_enclave",
            "claims.cca.platform['cca-platform-implementation-id']", "claims.cca.platform['cca-platform-instance-id']",
            "claims.cca.realm['cca-realm-initial-measurement']", "claims.csv.chip_key_digest", "claims.csv.measure",
            "claims.nitro.pcr0", "claims.nitro.pcr3", "claims.nitro.pcr4", "claims.nitro.pcr8",
            "claims.se.attestation_phkh", "claims.se.tag", "tee",
        ]
        let all = { (parts: [String]) in
            policy("oncePer: instance, instance: \"\(parts.joined(separator: " + "))\"")
        }
        #expect(Fixture.diagnostics(all(strong)).map(\.code) == [])
        for one in strong where one != "tee" { #expect(Fixture.diagnostics(all([one])).map(\.code) == [], "\(one)") }
        #expect(Fixture.diagnostics(all(strong + ["claims.tdx.quote.body.rtmr_3"])).map(\.code) == ["weak_identity"])
    }

    @Test("a limit per TEE key is refused: a guest makes as many as it likes")
    func perTEEKey() {
        for text in ["maxReleases: 1, per: teeKey", "oncePer: teeKey"] {
            let found = Fixture.diagnostics(policy(text))
            #expect(found.map(\.code) == ["weak_identity"])
            #expect(found.first?.line == 8)
        }
    }

    private func approval(
        _ id: String, _ subject: String, role: String = "officer", instance: String? = nil, age: TimeInterval = 60,
        left: TimeInterval = 3600
    ) -> LimitUsage.Approval {
        LimitUsage.Approval(
            id: id, approver: Approver(issuer: "corp", subject: subject, role: role), instance: instance,
            givenAt: Fixture.now - age, expiresAt: Fixture.now + left)
    }

    @Test(
        "two people approve: not one twice, nobody of another role, nothing that is over or meant for another instance")
    func approvals() throws {
        let bundle = try Fixture.bundle(
            policy("approvals: {required: 2, roles: [officer], principals: [\"eve@corp\"], validFor: 1h}"))
        func decide(_ approvals: [LimitUsage.Approval]) -> Decision {
            var usage = LimitUsage()
            usage.approvals = approvals
            return bundle.decide(snp(), usage: [Self.policyID: usage])
        }
        let instance = try #require(decide([]).demands.first?.instance)
        let alice = approval("1", "alice")
        #expect(decide([]).reason == .approvalRequired)
        #expect(decide([]).message.contains("claviger approve --resource payments/image-key/app"))
        let good = decide([alice, approval("2", "bob", instance: instance)])
        #expect(good.allowed && good.charges.first?.approvals.sorted() == ["1", "2"])
        #expect(decide([alice, approval("2", "eve", role: "developer")]).allowed)
        for other in [
            approval("2", "alice"), approval("2", "mallory", role: "developer"), approval("2", "bob", left: 0),
            approval("2", "bob", age: 3600), approval("2", "bob", instance: String(repeating: "0", count: 64)),
        ] {
            let decision = decide([alice, other])
            #expect(decision.reason == .approvalRequired, "\(other)")
            #expect(decision.explanation().contains("approvals = 1 of 2"))
        }
    }

    @Test("holders are guests: one that fetches again is the same, one with another key another")
    func holders() throws {
        let bundle = try Fixture.bundle(policy("concurrentHolders: 1, leaseDuration: 10m"))
        #expect(bundle.decide(snp()).demands.first?.holder != nil)
        var usage = LimitUsage()
        usage.otherHolders = 1
        usage.firstHoldEndsAt = Fixture.now + 60
        let denied = bundle.decide(snp(), usage: [Self.policyID: usage])
        #expect(denied.reason == .holdersExceeded)
        #expect(denied.message.contains("1 of 1 held by others, the first until"))
    }

    @Test(
        "what limits nothing, or is not complete, is refused where it stands",
        arguments: [
            ("scope: resource", "invalid_value", ""), ("maxReleases: 0", "invalid_value", "maxReleases"),
            ("maxReleases: \"2\"", "wrong_type", "maxReleases"), ("oncePer: tenant", "invalid_value", "oncePer"),
            ("maxReleases: 1, per: guest", "invalid_value", "per"),
            ("oncePer: instance, window: 24h", "invalid_value", "window"),
            ("concurrentHolders: 1", "missing_field", "leaseDuration"),
            ("maxReleases: 1, leaseDuration: 10m", "invalid_value", "leaseDuration"),
            ("maxReleases: 1, instance: \"claims.snp.chip_id\"", "invalid_value", "instance"),
            ("approvals: {required: 2}", "missing_field", "approvals.validFor"),
            ("approvals: {required: 0, validFor: 1h}", "invalid_value", "approvals.required"),
            (
                "approvals: {required: 2, principals: [\"a@b\", \"a@b\"], validFor: 1h}", "invalid_value",
                "approvals.required"
            ),
            ("approvals: {required: 2, validFor: 1h, by: [a]}", "unknown_field", "approvals.by"),
            ("maxRelease: 1", "unknown_field", "maxRelease"),
        ])
    func refused(_ limits: String, _ code: String, _ field: String) {
        let found = Fixture.diagnostics(policy(limits))
        let path = field.isEmpty ? "spec.limits" : "spec.limits.\(field)"
        #expect(found.contains { $0.code == code && $0.path == path && $0.line == 8 }, "\(found)")
    }
}
