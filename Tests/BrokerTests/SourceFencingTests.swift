import BrokerTestSupport
import Encodings
import Policy
import Testing

@testable import Broker

@Suite("Leaders of a source, and others who write at the same time", .timeLimit(.minutes(5)))
struct SourceFencingTests {
    @Test("a leader that was overtaken is refused on every broker, and one that has the same number is not")
    func fenced() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        _ = try await test.send([.release("a")], fence: 5)
        let error = try await brokerError { _ = try await replica.send([.release("b")], fence: 4) }
        #expect(error?.kind == .conflict && error?.code == "fenced" && error?.variant == "Fenced")
        #expect(try await replica.send([.release("a")], fence: 5).changes == ["a": "unchanged"])
        #expect(replica.metrics.prometheusText().contains("claviger_policy_source_updates_total{outcome=\"fenced\"} 1"))
        // The fences of sources have nothing to do with each other.
        #expect(try await replica.send([.release("w")], fence: 1, source: "west").changes == ["w": "created"])
    }

    @Test("a number that changes nothing but the leader still keeps the former one out, without a new generation")
    func fenceAlone() async throws {
        let test = try await TestBroker.make()
        let first = try await test.send([.release("a")], fence: 1)
        let second = try await test.send([.release("a")], fence: 2)
        #expect(second.generation == first.generation)
        #expect(try await brokerError { _ = try await test.send([.release("a")], fence: 1) }?.code == "fenced")
    }

    @Test("what was deleted since does not come back with an old leader, however it was deleted")
    func tombstones() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a"), .release("b")], fence: 1)
        _ = try await test.send([.release("a")], fence: 2)
        #expect(
            try await brokerError { _ = try await test.send([.release("a"), .release("b")], fence: 1) }?.code
                == "fenced")
        _ = try await test.send([], fence: 3)
        #expect(try await brokerError { _ = try await test.send([.release("a")], fence: 2) }?.code == "fenced")
        #expect(try await test.origins() == ["default-cpu": "admin"])
    }

    @Test("of two leaders that write at once on two brokers the later one's list is what is left, whoever is first")
    func race() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        for round in Int64(1)...20 {
            let old = round * 2
            async let overtaken = brokerError {
                _ = try await test.send([.release("old", tee: round.isMultiple(of: 2) ? "snp" : "tdx")], fence: old)
            }
            async let later = replica.send([.release("new-\(round)")], fence: old + 1)
            let (error, answer) = (try await overtaken, try await later)
            #expect(error == nil || error?.code == "fenced")
            #expect(answer["new-\(round)"]?["accepted"] == true)
            #expect(try await test.origins().keys.sorted() == ["default-cpu", "new-\(round)"])
        }
    }

    @Test("a source whose fence somebody raised beyond every leader is freed by an administrator who deletes it")
    func poisonedFence() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a")], fence: .max)
        #expect(try await brokerError { _ = try await test.send([.release("a")], fence: 7) }?.code == "fenced")
        try await test.broker.deleteSource("east", by: "admin")
        #expect(try await test.origins() == ["default-cpu": "admin"])
        #expect(try await test.send([.release("a")], fence: 7).changes == ["a": "created"])
        #expect(try await brokerError { try await test.broker.deleteSource("west", by: "admin") }?.kind == .notFound)
    }

    @Test("of two requests of one leader that meet, one is taken whole and the other is told to come again")
    func sameLeader() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        for round in 0..<10 {
            let names = ["x-\(round)", "y-\(round)"]
            async let first = brokerError { _ = try await test.send([.release(names[0])], fence: 1) }
            async let second = brokerError { _ = try await replica.send([.release(names[1])], fence: 1) }
            let errors = [try await first, try await second]
            #expect(errors.compactMap(\.self).allSatisfy { $0.code == "overtaken" })
            let left = try await test.origins().keys.filter { $0 != "default-cpu" }
            #expect(left.count == 1 && names.contains(left.first ?? ""))
        }
    }

    @Test("two sources and an administrator who write at once each get what is theirs")
    func threeWriters() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        for round in 0..<10 {
            let tee = round.isMultiple(of: 2) ? "snp" : "tdx"
            async let east = test.send([.release("e", tee: tee), .release("e-\(round)")], fence: 1)
            async let west = replica.send([.release("w", tee: tee)], fence: 1, source: "west")
            async let admin = replica.broker.applyPolicies(
                Sent.release("m", tee: tee).text, dryRun: false, by: "admin")
            _ = try await (east, west, admin)
            #expect(
                try await test.origins() == [
                    "e": "source/east", "e-\(round)": "source/east", "w": "source/west", "m": "admin",
                    "default-cpu": "admin",
                ])
        }
        #expect(try await replica.broker.policyStatus()["problem"] == .null)
    }

    @Test("of a source and an administrator who want the same name one gets it, and the other is told")
    func sameName() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        for round in 0..<10 {
            let name = "n-\(round)"
            async let sending = test.send([.release(name)], fence: 1)
            async let applying = brokerError {
                _ = try await replica.broker.applyPolicies(
                    Sent.release(name, tee: "tdx").text, dryRun: false, by: "admin")
            }
            let (answer, error) = (try await sending, try await applying)
            let owner = try await test.origins()[name]
            let isSources = owner == "source/east"
            #expect(answer[name]?["accepted"] == .bool(isSources))
            #expect((error?.code == "owned_by") == isSources)
        }
    }

    @Test(
        "A34, A58: a list that one broker took is in force on the other, which says so, and decisions name its digest")
    func bothReplicas() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        let guest = try SampleGuest()
        try await test.put("shop/key/a", "secret")
        let attestation = try await test.attest(guest)
        let allowing = try await test.send([.release("a", tee: "sample")], fence: 1)
        #expect(try await replica.get("shop/key/a", attestation, guest) == "secret")
        #expect(try await test.get("shop/key/a", attestation, guest) == "secret")
        let denying = try await replica.send([.release("a", tee: "tdx")], fence: 1)
        for broker in [test, replica] {
            let error = try await brokerError {
                _ = try await broker.release("shop/key/a", cookie: attestation.cookie.value)
            }
            #expect(error?.kind == .denied)
        }
        let decisions = try await test.broker.decisions(
            limit: 4, path: nil, allowed: nil, before: nil, withClaims: false)
        let digests = try #require(decisions["decisions"]?.arrayValue).map { $0["bundleDigest"] }
        let (allowed, denied) = (allowing.json["bundleDigest"], denying.json["bundleDigest"])
        #expect(digests == [denied, denied, allowed, allowed])
        _ = try await test.broker.policyStatus()
        let status = try await replica.broker.policyStatus()
        let replicas = try #require(status["replicas"]?.arrayValue)
        #expect(replicas.count == 2)
        #expect(replicas.allSatisfy { ($0["generation"]?.intValue ?? 0) >= denying.generation })
        #expect(Set(replicas.map { $0["bundleDigest"] }) == [denied])
        #expect(status["sources"]?.arrayValue?.first?["name"] == "east")
        #expect(status["sources"]?.arrayValue?.first?["documents"] == 1)
    }
}
