import Encodings
import FoundationEssentials

/// The claims of a JSON Web Token (RFC 7519 section 4).
public struct JWTClaims: Sendable, Hashable {
    /// All claims.
    public let object: JSONObject

    private static let limits = JSONLimits(maximumBytes: 1 << 20, maximumDepth: 32, maximumValues: 100_000)

    /// Reads a token's payload, which must be a JSON object.
    public init(payload: [UInt8]) throws(JOSEError) {
        do { object = try JSONObject(parsing: payload, limits: Self.limits) } catch {
            throw .malformed("The token's claims are not acceptable JSON: \(error.message)")
        }
    }

    /// Claims that are at hand already.
    public init(_ object: JSONObject) { self.object = object }

    /// `iss`, if it is a string.
    public var issuer: String? { object["iss"]?.stringValue }
    /// `sub`, if it is a string.
    public var subject: String? { object["sub"]?.stringValue }
    /// `jti`, if it is a string.
    public var tokenID: String? { object["jti"]?.stringValue }
    /// `exp` in seconds since 1970, if it is an integer.
    public var expiresAt: Int64? { object["exp"]?.intValue }

    /// Checks time, issuer and audience.
    ///
    /// - Parameters:
    ///   - now: the time to check against.
    ///   - leeway: seconds by which clocks may differ.
    ///   - issuer: what `iss` must be; `nil` checks nothing.
    ///   - audience: what `aud` must be or contain; `nil` checks nothing.
    ///   - requireExpiration: whether a token without `exp` is refused.
    ///
    /// Throws `expired`, `not_yet_valid`, `issued_in_future`, `missing_expiration`, `wrong_issuer`, `wrong_audience`, or
    /// `malformed` when one of these claims has the wrong type (times must be integers).
    public func validate(
        now: Date, leeway: Int64 = 60, issuer: String? = nil, audience: String? = nil, requireExpiration: Bool = true
    ) throws(JOSEError) {
        try validateTimes(now: now, leeway: leeway, requireExpiration: requireExpiration)
        let statedIssuer = try object.optionalString("iss")
        if let issuer, statedIssuer.map({ $0.utf8.elementsEqual(issuer.utf8) }) != true {
            throw JOSEError(code: "wrong_issuer", message: "The token is by another issuer")
        }
        let audiences = try audiences()
        if let audience, !audiences.contains(where: { $0.utf8.elementsEqual(audience.utf8) }) {
            throw JOSEError(code: "wrong_audience", message: "The token is for another audience")
        }
    }

    /// `aud` as a list: a string counts as a list of one, a missing claim as an empty list.
    public func audiences() throws(JOSEError) -> [String] {
        switch object["aud"] {
        case nil: return []
        case .string(let audience): return [audience]
        case .array(let elements):
            let audiences = elements.compactMap(\.stringValue)
            if audiences.count == elements.count { return audiences }
            fallthrough
        default: throw .malformed("The claim `aud` must be a string or an array of strings")
        }
    }

    private func validateTimes(now: Date, leeway: Int64, requireExpiration: Bool) throws(JOSEError) {
        guard let seconds = Int64(exactly: now.timeIntervalSince1970.rounded(.down)) else {
            throw JOSEError(code: "not_yet_valid", message: "The clock's time is out of range")
        }
        let earliest = seconds.subtractingReportingOverflow(leeway).partialValue
        let latest = seconds.addingReportingOverflow(leeway).partialValue
        if let expiration = try time("exp") {
            guard earliest < expiration else { throw JOSEError(code: "expired", message: "The token has expired") }
        } else if requireExpiration {
            throw JOSEError(code: "missing_expiration", message: "The token has no `exp`")
        }
        if let notBefore = try time("nbf"), notBefore > latest {
            throw JOSEError(code: "not_yet_valid", message: "The token is not valid yet")
        }
        if let issued = try time("iat"), issued > latest {
            throw JOSEError(code: "issued_in_future", message: "The token was issued in the future")
        }
    }

    private func time(_ name: String) throws(JOSEError) -> Int64? {
        guard let value = object[name] else { return nil }
        guard let seconds = value.intValue else {
            throw .malformed("The claim `\(name)` must be an integer of seconds since 1970")
        }
        return seconds
    }
}
