import Encodings

/// The claims of a token that is believed, by the names of the tokens' JSON form; bytes in base64.
struct CCAClaimSet {
    let token: CCAToken
    let isFirmwareEndorsed: Bool
    /// Whether the endorsed release names the platform's settings; many say nothing of them.
    let areSettingsEndorsed: Bool

    var claims: JSONObject {
        [
            "realm": .object(realm),
            "platform": .object(platform),
            "report_data": .string(Hex.encode(token.realm.challenge)),
            "init_data": .string(Hex.encode(token.realm.personalization)),
        ]
    }

    private var realm: JSONObject {
        let realm = token.realm
        var claims: JSONObject = [
            "cca-realm-challenge": Self.base64(realm.challenge),
            "cca-realm-personalization-value": Self.base64(realm.personalization),
            "cca-realm-initial-measurement": Self.base64(realm.initialMeasurement),
            "cca-realm-extensible-measurements": .array(realm.extensibleMeasurements.map(Self.base64)),
            "cca-realm-hash-algo-id": .string(realm.hash.rawValue),
            "cca-realm-public-key": Self.base64(realm.keyBytes),
            "cca-realm-public-key-hash-algo-id": .string(realm.keyHash.rawValue),
        ]
        if let profile = realm.profile { claims["cca-realm-profile"] = .string(profile) }
        return claims
    }

    private var platform: JSONObject {
        let platform = token.platform
        var claims: JSONObject = [
            "cca-platform-profile": .string(platform.profile),
            "cca-platform-challenge": Self.base64(platform.challenge),
            "cca-platform-implementation-id": Self.base64(platform.implementationID),
            "cca-platform-instance-id": Self.base64(platform.instanceID),
            "cca-platform-config": Self.base64(platform.configuration),
            "cca-platform-lifecycle": .int(Int64(platform.lifecycle)),
            "cca-platform-sw-components": .array(platform.components.map { .object(Self.component($0)) }),
            "cca-platform-sw-components-endorsed": .bool(isFirmwareEndorsed),
            "cca-platform-config-endorsed": .bool(areSettingsEndorsed),
            "cca-platform-hash-algo-id": .string(platform.hash.rawValue),
        ]
        if let service = platform.serviceIndicator { claims["cca-platform-service-indicator"] = .string(service) }
        return claims
    }

    private static func component(_ component: CCAPlatformClaims.Component) -> JSONObject {
        var claims = JSONObject()
        if let type = component.type { claims["measurement-type"] = .string(type) }
        claims["measurement-value"] = base64(component.measurement)
        if let version = component.version { claims["version"] = .string(version) }
        claims["signer-id"] = base64(component.signerID)
        return claims
    }

    private static func base64(_ bytes: [UInt8]) -> JSONValue { .string(Base64.encode(bytes)) }
}
