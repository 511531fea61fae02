import AdminClient
import Encodings
import FoundationEssentials
import Policy

/// How the broker, its replicas and its collateral stand.
struct BrokerHealth {
    /// What the broker says of its policies; nil when it said nothing.
    let status: JSONValue?
    let findings: [HealthFinding]

    /// - Parameter soon: How long a piece of collateral must still be valid.
    static func look(_ client: AdminClient, at url: String, soon: Duration, now: Date) async -> BrokerHealth {
        let status: JSONValue
        do throws(AdminClientError) {
            status = try await client.policyStatus()
        } catch {
            return BrokerHealth(status: nil, findings: [.problem("broker", "\(url): \(error.message)")])
        }
        var findings = [policies(status, url)] + replicas(status, now)
        do throws(AdminClientError) {
            findings.append(collateral(try await client.collateral(), soon: soon, now))
        } catch {
            let isHidden = error.code == .denied
            findings.append(isHidden ? .unknown("collateral", error.message) : .problem("collateral", error.message))
        }
        return BrokerHealth(status: status, findings: findings)
    }

    private static func policies(_ status: JSONValue, _ url: String) -> HealthFinding {
        let object = status.objectValue ?? JSONObject()
        if let problem = object["problem"]?.objectValue {
            return .problem("broker", "\(url): \(problem.cell("code")): \(problem.cell("details"))")
        }
        let digest = object.cell("bundleDigest").prefix(12)
        return .ok(
            "broker",
            "\(url): generation \(object.cell("generation")), \(object.cell("documents")) documents, digest \(digest)")
    }

    private static func replicas(_ status: JSONValue, _ now: Date) -> [HealthFinding] {
        let replicas = (status["replicas"]?.arrayValue ?? []).compactMap(\.objectValue)
        guard !replicas.isEmpty else { return [.problem("replicas", "no replica gives a sign of life")] }
        return replicas.map { replica in
            let subject = "replica \(replica.cell("id"))"
            let details = """
                generation \(replica.cell("generation")), up for \(AgeText.since(replica.cell("startedAt"), now: now)), \
                seen \(AgeText.since(replica.cell("seenAt"), now: now)) ago
                """
            if let problem = replica["problem"], !problem.isNull {
                return .problem(subject, "\(details): \(replica.cell("problem"))")
            }
            guard replica["generation"] == status["generation"] else {
                return .problem(subject, "\(details): it does not decide by the newest policies yet")
            }
            return .ok(subject, details)
        }
    }

    static func collateral(_ status: JSONObject, soon: Duration, _ now: Date) -> HealthFinding {
        let items = (status["items"]?.arrayValue ?? []).compactMap(\.objectValue)
        let limit = now.addingTimeInterval(TimeInterval(soon.components.seconds))
        let wrong = items.compactMap { item -> String? in
            let (name, state) = (item.cell("name"), item.cell("state"))
            if ["expired", "unauthentic"].contains(state) { return "\(name) (\(state))" }
            guard let end = TimestampText.date(item.cell("nextUpdate")), end < limit else { return nil }
            return "\(name) (ends \(item.cell("nextUpdate")))"
        }
        guard wrong.isEmpty else { return .problem("collateral", HealthFinding.list(wrong)) }
        return .ok("collateral", "\(items.count) items, none of which ends soon")
    }
}
