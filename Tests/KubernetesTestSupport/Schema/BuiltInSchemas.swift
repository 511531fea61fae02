import Encodings

/// Schemas of built-in kinds, as far as clients here write them; other kinds keep what they are given.
enum BuiltInSchemas {
    static func schema(of kind: String) -> StructuralSchema? {
        let open: JSONValue = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
        var members: JSONObject
        switch kind {
        case "Lease": members = lease
        case "Event": members = event
        case "ConfigMap": members = ["data": texts, "binaryData": texts, "immutable": ["type": "boolean"]]
        case "Secret":
            let bytes: JSONValue = ["type": "string", "format": "byte"]
            members = [
                "data": ["type": "object", "additionalProperties": bytes], "stringData": texts,
                "type": ["type": "string"], "immutable": ["type": "boolean"],
            ]
        case "ServiceAccount":
            members = [
                "automountServiceAccountToken": ["type": "boolean"],
                "secrets": ["type": "array", "items": open], "imagePullSecrets": ["type": "array", "items": open],
            ]
        case "Pod", "Deployment", "Namespace", "Service":
            var status = open.objectValue ?? [:]
            status["properties"] = ["conditions": conditions]
            return try? StructuralSchema([
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": ["status": .object(status)],
            ])
        case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration": members = ["webhooks": webhooks]
        default: return nil
        }
        members["apiVersion"] = ["type": "string"]
        members["kind"] = ["type": "string"]
        members["metadata"] = open
        return try? StructuralSchema(["type": "object", "properties": .object(members)])
    }

    private static let texts: JSONValue = ["type": "object", "additionalProperties": ["type": "string"]]
    private static let conditions: JSONValue = [
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
        "items": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
    ]
    /// Each is a field owner's own by its name, and so is what it trusts: others write the rest.
    private static let webhooks: JSONValue = [
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": [
            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "properties": [
                "name": ["type": "string"],
                "clientConfig": [
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": ["url": ["type": "string"], "caBundle": ["type": "string", "format": "byte"]],
                ],
            ],
        ],
    ]
    private static let reference: JSONValue = [
        "type": "object",
        "properties": .object(
            JSONObject(
                ["apiVersion", "kind", "name", "namespace", "uid", "resourceVersion", "fieldPath"].map {
                    ($0, ["type": "string"])
                })),
    ]
    /// Its format is checked when the object is read, not by the schema: the answer is 400.
    private static let microTime: JSONValue = ["type": "string", "nullable": true]

    private static let lease: JSONObject = [
        "spec": [
            "type": "object",
            "properties": [
                "holderIdentity": ["type": "string"], "acquireTime": microTime, "renewTime": microTime,
                "leaseDurationSeconds": ["type": "integer", "minimum": 1],
                "leaseTransitions": ["type": "integer", "minimum": 0], "strategy": ["type": "string"],
                "preferredHolder": ["type": "string"],
            ],
        ]
    ]

    private static let event: JSONObject = [
        "eventTime": microTime, "reportingController": ["type": "string"], "reportingInstance": ["type": "string"],
        "action": ["type": "string"], "reason": ["type": "string"], "note": ["type": "string"],
        "type": ["type": "string"], "regarding": reference, "related": reference,
        "series": [
            "type": "object", "properties": ["count": ["type": "integer"], "lastObservedTime": microTime],
        ],
        "deprecatedCount": ["type": "integer"], "deprecatedFirstTimestamp": microTime,
        "deprecatedLastTimestamp": microTime,
        "deprecatedSource": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
    ]
}
