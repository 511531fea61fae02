import Encodings
import Policy

/// The configuration file of an injected agent (docs/agent.md), as JSON.
struct AgentConfiguration: Sendable {
    let settings: InjectionSettings
    let profile: AgentProfileSpec?
    let trustsNamedAuthorities: Bool

    var json: JSONObject {
        var broker: JSONObject = [
            "urls": .array((profile?.broker.urls ?? settings.brokerURLs).map { .string($0) })
        ]
        if trustsNamedAuthorities {
            broker["certificate_file"] = .string(
                "\(InjectionNames.configurationFolder)/\(InjectionNames.authorityFile)")
        }
        var file: JSONObject = ["broker": .object(broker)]
        if settings.allowsSample { file["attestation"] = ["allow_sample": true] }
        if profile?.mode != .initOnly { file["rest"] = .object(rest) }
        if let level = profile?.container?.logLevel { file["log"] = ["level": .string(level)] }
        let secrets = (profile?.files ?? []).map(Self.secret) + prefetched
        if !secrets.isEmpty { file["secret"] = .array(secrets) }
        return file
    }

    /// With a socket everybody who can reach it is in a container that was given it; TCP is open to the whole pod.
    private var rest: JSONObject {
        profile?.socket.map { ["address": "none", "socket": .string($0)] }
            ?? ["address": .string(InjectionNames.address)]
    }

    private var prefetched: [JSONValue] {
        profile?.mode == .initOnly ? [] : (profile?.prefetch ?? []).map { ["uri": .string($0)] }
    }

    private static func secret(_ file: AgentProfileSpec.File) -> JSONValue {
        var table: JSONObject = [
            "uri": .string(file.uri), "file": .string(file.path), "mode": .string(file.mode),
            "required": .bool(file.isRequired), "refresh_seconds": .int(file.refreshInterval),
            "when_refused": .string(file.refusal == .keep ? "keep" : "remove"),
        ]
        table["uid"] = file.user.map { .int($0) }
        table["gid"] = file.group.map { .int($0) }
        table["lease_seconds"] = file.lease.map { .int($0) }
        switch file.notice {
        case .signal(let name, let process)?:
            table["signal"] = .string(name)
            table["process"] = .string(process)
        case .exit?: table["exit"] = true
        case nil: break
        }
        return .object(table)
    }
}
