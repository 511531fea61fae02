import Encodings

/// What clients ask to learn which kinds there are: discovery, OpenAPI, the version, health, and the keys of tokens.
struct Discovery {
    let state: ClusterState
    private var kinds: [ResourceKind] { state.tables.values.map(\.kind).sorted { $0.id < $1.id } }

    func reply(_ segments: [String]) throws -> Reply {
        switch segments.first {
        case "api" where segments.count == 1:
            return .json(200, ["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []])
        case "apis" where segments.count == 1:
            return .json(
                200, ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map { .object(group($0)) })])
        case "apis" where segments.count == 2 && groups.contains(segments[1]):
            return .json(200, group(segments[1], isAlone: true))
        case "api" where segments.count == 2: return try resources("", segments[1])
        case "apis" where segments.count == 3: return try resources(segments[1], segments[2])
        case "version" where segments.count == 1: return .json(200, Self.version)
        case "openapi" where segments.count >= 2 && segments[1] == "v3":
            return try openAPI(Array(segments.dropFirst(2)))
        case "livez", "readyz", "healthz": return .text("ok")
        case ".well-known" where segments == [".well-known", "openid-configuration"]:
            return .json(
                200,
                [
                    "issuer": .string(state.issuer), "jwks_uri": .string("\(state.baseURL)/openid/v1/jwks"),
                    "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256"],
                ])
        case "openid" where segments == ["openid", "v1", "jwks"]:
            return .json(200, ["keys": .array(state.tokenKeys.map(\.jwk))])
        default: throw APIStatus.noSuchPath
        }
    }

    private static let version: JSONObject = [
        "major": "1", "minor": "36", "gitVersion": "v1.36.0", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-04-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
    ]

    private var groups: [String] {
        var names = Set(kinds.map(\.group)).subtracting([""])
        names.formUnion(["authentication.k8s.io", "authorization.k8s.io"])
        return names.sorted()
    }

    private func group(_ name: String, isAlone: Bool = false) -> JSONObject {
        let version = kinds.first { $0.group == name }?.version ?? "v1"
        let entry: JSONValue = ["groupVersion": .string("\(name)/\(version)"), "version": .string(version)]
        var group: JSONObject = ["name": .string(name), "versions": [entry], "preferredVersion": entry]
        if isAlone {
            group["kind"] = "APIGroup"
            group["apiVersion"] = "v1"
        }
        return group
    }

    private func resources(_ group: String, _ version: String) throws -> Reply {
        let own = kinds.filter { $0.group == group && $0.version == version }
        guard !own.isEmpty || groups.contains(group) else { throw APIStatus.noSuchPath }
        var entries = own.flatMap { kind -> [JSONValue] in
            guard kind.hasStatus else { return [kind.discovery] }
            return [kind.discovery, Self.subresource(kind, "status", kind.kind, ["get", "patch", "update"])]
        }
        if group.isEmpty {
            entries.append(Self.subresource(BuiltInKinds.serviceAccounts, "token", "TokenRequest", ["create"]))
        }
        let reviews = [
            "authentication.k8s.io": [("tokenreviews", "TokenReview")],
            "authorization.k8s.io": [
                ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
                ("subjectaccessreviews", "SubjectAccessReview"),
            ],
        ]
        for (plural, kind) in reviews[group] ?? [] {
            entries.append([
                "name": .string(plural), "singularName": .string(kind.lowercased()), "namespaced": false,
                "kind": .string(kind), "verbs": ["create"],
            ])
        }
        let name = group.isEmpty ? version : "\(group)/\(version)"
        return .json(
            200,
            [
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(name),
                "resources": .array(entries),
            ])
    }

    private static func subresource(_ owner: ResourceKind, _ name: String, _ kind: String, _ verbs: [String])
        -> JSONValue
    {
        [
            "name": .string("\(owner.plural)/\(name)"), "singularName": "", "namespaced": .bool(owner.isNamespaced),
            "kind": .string(kind), "verbs": .array(verbs.map(JSONValue.string)),
        ]
    }

    // MARK: OpenAPI

    /// As much of OpenAPI 3 as clients need to learn that the server validates fields itself.
    private func openAPI(_ rest: [String]) throws -> Reply {
        if rest.isEmpty {
            var paths = JSONObject()
            for kind in kinds {
                let path = kind.group.isEmpty ? "api/\(kind.version)" : "apis/\(kind.group)/\(kind.version)"
                paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(state.revision)")]
            }
            return .json(200, ["paths": .object(paths)])
        }
        let group = rest.first == "apis" && rest.count == 3 ? rest[1] : ""
        var paths = JSONObject()
        var schemas = JSONObject()
        for kind in kinds where kind.group == group {
            let name: JSONValue = [
                "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
            ]
            let operation: JSONValue = [
                "parameters": ["dryRun", "fieldManager", "fieldValidation", "force"].asParameters,
                "responses": ["200": ["description": "OK"]], "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": name,
            ]
            paths[kind.path(namespace: kind.isNamespaced ? "{namespace}" : nil, name: "{name}")] = ["patch": operation]
            schemas["\(kind.group).\(kind.version).\(kind.kind)"] = [
                "type": "object", "x-kubernetes-group-version-kind": [name],
            ]
        }
        return .json(
            200,
            [
                "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.36.0"], "paths": .object(paths),
                "components": ["schemas": .object(schemas)],
            ])
    }
}

extension [String] {
    fileprivate var asParameters: JSONValue {
        .array(
            map {
                ["name": .string($0), "in": "query", "schema": ["type": "string", "uniqueItems": true]]
            })
    }
}
