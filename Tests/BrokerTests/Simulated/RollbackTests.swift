import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Storage
import TestSupport
import Testing
import Verification

@testable import Broker

@Suite("Firmware that is older than before", .timeLimit(.minutes(5)))
struct RollbackTests {
    private static let noRollback = """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: no-rollback
        spec:
          effect: Guardrail
          match:
            resources: ["**"]
          validations:
            - expression: "claims.platform.tcb_rollback == false"
              message: "older firmware than before"
        """

    /// The same chip under other firmware, certified for it.
    private func updated(
        _ guest: SimulatedSNPGuest, _ amd: SimulatedAMD, _ change: (inout SNPTCBLevels) -> Void
    ) throws -> SimulatedSNPGuest {
        var levels = guest.key.draft.levels
        change(&levels)
        let draft = amd.endorsementKeyDraft(.vcek, hardwareID: guest.key.draft.hardwareID, levels: levels)
        return SimulatedSNPGuest(try amd.endorsementKey(draft), product: amd.product)
    }

    /// Attests and asks; `nil` when the secret was released.
    private func refusal(_ guest: SimulatedGuest, _ broker: TestBroker) async throws -> BrokerError? {
        let attestation = try await broker.attest(guest)
        return try await brokerError { _ = try await broker.release("default/key/1", cookie: attestation.cookie.value) }
    }

    private func events(_ broker: TestBroker) async throws -> [DecisionRecord] {
        try await DecisionRepository(broker.store.database).list(DecisionFilter(limit: 1_000))
            .filter { $0.code == "tcb_rollback" }
    }

    @Test("A15: older firmware on a chip that had newer is denied by a policy that names it, and only by such a policy")
    func guardrail() async throws {
        let site = try await SimulatedSite(policies: TestPolicies.allowAll)
        try await site.test.put("default/key/1", "the secret")
        let guest = try SimulatedSNPGuest(site.amd)
        let older = try updated(guest, site.amd) { $0.snp = 21 }
        #expect(try await refusal(SimulatedGuest(guest), site.test) == nil)
        #expect(try await refusal(SimulatedGuest(older), site.test) == nil)
        _ = try await site.test.broker.applyPolicies(Self.noRollback, dryRun: false, by: "test")
        #expect(try await refusal(SimulatedGuest(guest), site.test) == nil)
        let error = try await refusal(SimulatedGuest(older), site.test)
        #expect(error?.kind == .denied && error?.code == "guardrail_denied")
        let row = try await site.lastDecision()
        let platform = try #require(row.claims["submodules"]?["cpu0"]?["platform"])
        #expect(platform["tcb_rollback"] == true)
        #expect(
            platform["tcb_rollback_from"] == ["committed_tcb_snp": 22, "reported_tcb_snp": 22], "\(platform)")
        #expect(row.trace.serializedString().contains("older firmware than before"))
        // Other chips with the same firmware have always had it.
        let other = try SimulatedSNPGuest(site.amd, chip: 9)
        let draft = site.amd.endorsementKeyDraft(
            .vcek, hardwareID: other.key.draft.hardwareID, levels: older.key.draft.levels)
        let neighbour = SimulatedSNPGuest(try site.amd.endorsementKey(draft), product: .milan)
        #expect(try await refusal(SimulatedGuest(neighbour), site.test) == nil)
    }

    @Test("A15: the shipped policies affirm no machine whose firmware is older than before")
    func shippedPolicies() async throws {
        let site = try await SimulatedSite()
        try await site.test.put("default/key/1", "the secret")
        let guest = try SimulatedSNPGuest(site.amd)
        let older = try updated(guest, site.amd) { $0.microcode = 212 }
        try await site.affirm(older)
        #expect(try await refusal(SimulatedGuest(older), site.test) == nil)
        _ = try await site.test.attest(SimulatedGuest(guest))
        // Its firmware is still among the reference values.
        #expect(try await refusal(SimulatedGuest(older), site.test)?.kind == .denied)
        let row = try await site.lastDecision()
        #expect(row.claims["submodules"]?["cpu0"]?["vector"]?["hardware"] == 32)
        #expect(row.claims["submodules"]?["cpu0"]?["status"] == "warning")
    }

    @Test(
        "A15: the ledger, a metric and the log tell of every attestation with older firmware, by the machine's digest")
    func event() async throws {
        let site = try await SimulatedSite(policies: TestPolicies.allowAll)
        let guest = try SimulatedSNPGuest(site.amd)
        _ = try await site.test.attest(SimulatedGuest(guest))
        #expect(try await events(site.test).isEmpty)
        _ = try await site.test.attest(SimulatedGuest(updated(guest, site.amd) { $0.snp = 20 }))
        let event = try #require(try await events(site.test).first)
        #expect(event.allowed && event.operation == "attest" && event.tee == "snp")
        #expect(event.reason.contains("reported_tcb_snp was 22 and is 20"))
        #expect(event.trace["before"] == ["committed_tcb_snp": 22, "reported_tcb_snp": 22])
        #expect(event.trace["now"] == ["committed_tcb_snp": 20, "reported_tcb_snp": 20])
        let listed = try await site.test.broker.platformList(after: "", limit: 10)["platforms"]?.arrayValue
        #expect(listed?.count == 1 && listed?.first?["id"] == event.trace["platform"])
        #expect(!listed.debugDescription.contains(Hex.encode(guest.key.draft.hardwareID)))
        #expect(site.test.metrics.prometheusText().contains(#"claviger_tcb_rollbacks_total{tee_type="snp"} 1"#))
        #expect(site.test.logs.text.contains("a machine has older firmware than before"))
    }

    @Test("A15: what one replica accepted, the other remembers")
    func replicas() async throws {
        let site = try await SimulatedSite(
            policies: TestPolicies.stream(TestPolicies.allowAll, Self.noRollback))
        try await site.test.put("default/key/1", "the secret")
        let second = try await site.replica()
        let guest = try SimulatedSNPGuest(site.amd)
        let newer = try updated(guest, site.amd) { $0.microcode = 220 }
        #expect(try await refusal(SimulatedGuest(guest), site.test) == nil)
        #expect(try await refusal(SimulatedGuest(newer), second) == nil)
        #expect(try await refusal(SimulatedGuest(guest), site.test)?.code == "guardrail_denied")
        #expect(try await refusal(SimulatedGuest(guest), second)?.code == "guardrail_denied")
        #expect(try await refusal(SimulatedGuest(newer), site.test) == nil)
    }

    @Test("A15: guests of one chip that attest at once on two replicas never lower what is remembered")
    func racers() async throws {
        let site = try await SimulatedSite(policies: TestPolicies.allowAll)
        let second = try await site.replica()
        let guest = try SimulatedSNPGuest(site.amd)
        let guests = try (0..<24).map { index in
            try SimulatedGuest(updated(guest, site.amd) { $0.microcode = 200 + UInt8(index) })
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, guest) in guests.enumerated() {
                group.addTask { _ = try await (index % 2 == 0 ? site.test : second).attest(guest) }
            }
            try await group.waitForAll()
        }
        let listed = try await second.broker.platformList(after: "", limit: 10)["platforms"]?.arrayValue
        #expect(listed?.count == 1)
        #expect(listed?.first?["levels"]?["reported_tcb_microcode"] == 223)
    }

    @Test("A15: TDX and SGX share the memory of one machine")
    func intel() async throws {
        let site = try await SimulatedSite(
            policies: TestPolicies.stream(TestPolicies.allowAll, Self.noRollback))
        try await site.test.put("default/key/1", "the secret")
        let old = try site.intel.platform { $0.componentSVNs = $0.componentSVNs.map { $0 / 2 } }
        #expect(try await refusal(SimulatedGuest(SimulatedTrustDomain(on: old)), site.test) == nil)
        #expect(try await refusal(SimulatedGuest(SimulatedEnclave(on: site.platform)), site.test) == nil)
        for guest in [
            try SimulatedGuest(SimulatedTrustDomain(on: old)), try SimulatedGuest(SimulatedEnclave(on: old)),
        ] {
            #expect(try await refusal(guest, site.test)?.code == "guardrail_denied")
        }
        #expect(try await refusal(SimulatedGuest(SimulatedTrustDomain(on: site.platform)), site.test) == nil)
        let event = try #require(try await events(site.test).first)
        #expect(event.trace["before"]?["sgx_tcb_svn_1"] == 7 && event.trace["now"]?["sgx_tcb_svn_1"] == 3)
    }

    @Test("A15: what a chip showed through Azure's virtual TPM counts for the chip")
    func azure() async throws {
        let site = try await SimulatedSite(
            policies: TestPolicies.stream(TestPolicies.allowAll, Self.noRollback))
        try await site.test.put("default/key/1", "the secret")
        let guest = try SimulatedSNPGuest(site.amd)
        let older = try updated(guest, site.amd) { $0.snp = 21 }
        #expect(try await refusal(SimulatedGuest(SimulatedAzureVM(on: .snp(guest))), site.test) == nil)
        for guest in [try SimulatedGuest(older), try SimulatedGuest(SimulatedAzureVM(on: .snp(older)))] {
            #expect(try await refusal(guest, site.test)?.code == "guardrail_denied")
        }
    }

    @Test("A15: a host that changes the form of its quotes does not get around what is remembered of the TDX module")
    func quoteForm() async throws {
        let older: [UInt8] = [5, 1, 5] + Array(repeating: 0, count: 13)
        for (first, second, field) in [
            (SimulatedTrustDomain.Form.version5TDX15, .version4, .tcbSVN), (.version4, .version5TDX15, .currentTCBSVN),
        ] as [(SimulatedTrustDomain.Form, SimulatedTrustDomain.Form, TrustDomainReport.Field)] {
            let site = try await SimulatedSite(policies: TestPolicies.stream(TestPolicies.allowAll, Self.noRollback))
            try await site.test.put("default/key/1", "the secret")
            let domain = try SimulatedTrustDomain(on: site.platform, form: first)
            #expect(try await refusal(SimulatedGuest(domain), site.test) == nil)
            let other = try SimulatedTrustDomain(on: site.platform, form: second)
            #expect(try await refusal(SimulatedGuest(other), site.test) == nil)
            #expect(try await refusal(SimulatedGuest(other.twin(field, older)), site.test)?.code == "guardrail_denied")
            let event = try #require(try await events(site.test).first)
            #expect(event.trace["before"] == ["tee_tcb_svn_2": 6] && event.trace["now"] == ["tee_tcb_svn_2": 5])
        }
    }

    @Test("A15: evidence that is sent again after its nonce was spent makes no second record of a rollback")
    func replayed() async throws {
        let site = try await SimulatedSite(policies: TestPolicies.allowAll)
        let guest = try SimulatedSNPGuest(site.amd)
        _ = try await site.test.attest(SimulatedGuest(guest))
        let older = try SimulatedGuest(updated(guest, site.amd) { $0.snp = 20 })
        let (challenge, cookie) = try await site.test.broker.challenge(SampleGuest.authBody(tee: older.tee.rawValue))
        let body = try older.attestation(nonce: challenge.nonce)
        _ = try await site.test.broker.attest(body: body, cookie: cookie.value)
        #expect(try await events(site.test).count == 1)
        for _ in 0..<3 {
            let error = try await brokerError {
                _ = try await site.test.broker.attest(body: body, cookie: cookie.value)
            }
            #expect(error?.code == "nonce_spent")
        }
        #expect(try await events(site.test).count == 1)
    }

    @Test("A15: a chip that hides behind a provider's key has no memory, and a policy that asks for one denies it")
    func masked() async throws {
        let site = try await SimulatedSite(policies: TestPolicies.allowAll)
        try await site.test.put("default/key/1", "the secret")
        let guest = try SimulatedSNPGuest(site.amd, kind: .vlek)
        #expect(try await refusal(SimulatedGuest(guest), site.test) == nil)
        #expect(try await site.lastDecision().claims["submodules"]?["cpu0"]?["platform"] == nil)
        #expect(try await site.test.broker.platformList(after: "", limit: 10)["platforms"] == [])
        _ = try await site.test.broker.applyPolicies(Self.noRollback, dryRun: false, by: "test")
        #expect(try await refusal(SimulatedGuest(guest), site.test)?.code == "guardrail_denied")
    }

    @Test("evidence that is refused is not remembered")
    func refused() async throws {
        let site = try await SimulatedSite(policies: TestPolicies.allowAll)
        let guest = try SimulatedSNPGuest(site.amd)
        for flawed in [
            guest.twin { $0.policy.insert(.debugAllowed) }, guest.twin { $0.vmpl = 2 },
            guest.twin { $0.chipID[0] ^= 1 },
        ] {
            let error = try await brokerError { _ = try await site.test.attest(SimulatedGuest(flawed)) }
            #expect(error?.kind == .unauthenticated)
        }
        #expect(try await site.test.broker.platformList(after: "", limit: 10)["platforms"] == [])
    }

    @Test("A15: an administrator who rolled firmware back has the machine forgotten, and the ledger says who and why")
    func forgetting() async throws {
        let site = try await SimulatedSite(
            policies: TestPolicies.stream(TestPolicies.allowAll, Self.noRollback))
        try await site.test.put("default/key/1", "the secret")
        let guest = try SimulatedSNPGuest(site.amd)
        let older = try updated(guest, site.amd) { $0.snp = 21 }
        #expect(try await refusal(SimulatedGuest(guest), site.test) == nil)
        #expect(try await refusal(SimulatedGuest(older), site.test)?.code == "guardrail_denied")
        let broker = site.test.broker
        let listed = try await broker.platformList(after: "", limit: 10)["platforms"]?.arrayValue
        let id = try #require(listed?.first?["id"]?.stringValue)
        let bad: [(String, String, BrokerError.Kind)] = [
            ("12", "why", .malformed), (String(repeating: "g", count: 64), "why", .malformed), (id, "  ", .malformed),
            (id, String(repeating: "x", count: 2_000), .malformed),
            (String(repeating: "0", count: 64), "why", .notFound),
        ]
        for (platform, reason, kind) in bad {
            let error = try await brokerError {
                _ = try await broker.forgetPlatform(platform, reason: reason, by: "alice")
            }
            #expect(error?.kind == kind)
        }
        let answer = try await broker.forgetPlatform(id, reason: "1.55 does not boot", by: "alice@corp")
        let record = try await broker.decision(try #require(answer["decision"]?.stringValue))
        let text = record.serializedString()
        #expect(record["code"] == "platform_forgotten")
        #expect(text.contains("alice@corp") && text.contains("1.55 does not boot") && text.contains(id))
        #expect(try await refusal(SimulatedGuest(older), site.test) == nil)
        #expect(try await refusal(SimulatedGuest(guest), site.test) == nil)
        #expect(try await refusal(SimulatedGuest(older), site.test)?.code == "guardrail_denied")
    }

    @Test("A15, A57: when the memory cannot be read, or was changed, nobody is attested and guests come back")
    func unavailable() async throws {
        let site = try await SimulatedSite(policies: TestPolicies.allowAll)
        let guest = try SimulatedGuest(SimulatedSNPGuest(site.amd))
        _ = try await site.test.attest(guest)
        _ = try await site.test.store.database.query("UPDATE platforms SET levels = '{}'")
        let changed = try await brokerError { _ = try await site.test.attest(guest) }
        #expect(changed?.kind == .unavailable && changed?.code == "platform_unauthentic")
        #expect(site.test.logs.text.contains("have it forgotten"))
        let keys = site.test.store.keys.rotated()
        _ = try await site.test.store.database.query("DELETE FROM platforms")
        _ = try await site.test.attest(guest)
        #expect(try await PlatformRepository(site.test.store.database, keys: keys).renewSeals() == 1)
        let behind = try await brokerError { _ = try await site.test.attest(guest) }
        #expect(behind?.kind == .unavailable && behind?.code == "platform_key_unknown")
        #expect(site.test.logs.text.contains("give all brokers the same keys"))
        site.test.store.database.close()
        let gone = try await brokerError { _ = try await site.test.attest(guest) }
        #expect(gone?.kind == .unavailable)
    }

    @Test("after a rotation a broker serves before the memory of machines is sealed anew, which it is then")
    func renewal() async throws {
        let store = try await TestBroker.make(policies: nil).store
        let sighting = PlatformSighting(
            id: Array(repeating: 1, count: 32), maker: "amd", levels: ["reported_tcb_snp": 22], about: [:])
        _ = try await PlatformRepository(store.database, keys: store.keys).observe(sighting)
        let rotated = store.keys.rotated()
        var configuration = BrokerConfiguration()
        configuration.policies.installDefaults = false
        configuration.collateral.sources = []
        let broker = try await Broker.open(
            configuration, database: try await store.connect(), keyRing: rotated, logger: LogCapture().logger())
        func renewed() async throws -> Bool {
            try await store.database.query(
                "SELECT 1 FROM platforms WHERE key_id = $1::text", [.text(rotated.currentKeyID)]
            ).count == 1
        }
        #expect(try await !renewed())
        let service = Task { try await broker.run() }
        defer { service.cancel() }
        let deadline = ContinuousClock.now + .seconds(240)
        while try await !renewed(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await renewed())
    }
}
