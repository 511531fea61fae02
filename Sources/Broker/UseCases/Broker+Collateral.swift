import Collateral
public import Encodings
import FoundationEssentials
import JOSE
import Logging
import RATS
import Storage

/// What administrators ask about collateral.
extension Broker {
    /// The most items in one answer to ``collateralStatus(prefix:after:limit:)``.
    public static let collateralPage = 1_000

    /// The largest bundle that is imported, in bytes.
    public static let maximumCollateralBundleBytes = CollateralBundle.maximumBytes

    /// How the kept items stand, a page of them, with the origins and their pauses.
    ///
    /// - Parameters:
    ///   - prefix: What their names begin with.
    ///   - after: The last name of the page before.
    ///   - limit: At most so many.
    public func collateralStatus(
        prefix: String, after: String, limit: Int
    ) async throws(BrokerError) -> JSONValue {
        let items: [CollateralStanding]
        do throws(StorageError) {
            items = try await collateral.standing(prefix: prefix, after: after, limit: limit)
        } catch {
            guard error.code == .corrupt else { throw BrokerError(error) }
            throw .internalFailure("collateral_unauthentic", "The collateral cannot be used: \(error.message)")
        }
        let pauses = try await storing { () async throws(StorageError) in try await collateral.standingPauses() }
        return [
            "network": .bool(configuration.collateral.settings.network),
            "sources": .array(collateral.originNames.map { .string($0) }),
            "items": .array(items.map(\.json)), "more": .bool(items.count == limit),
            "pauses": .array(
                pauses.map { pause in
                    [
                        "subject": .string(pause.subject), "until": .string(pause.until.rfc3339),
                        "code": .string(pause.code), "message": .string(pause.message),
                    ]
                }),
        ]
    }

    /// Asks an origin for an item now, whatever is at hand, and says how it stands then.
    ///
    /// Throws `notFound` when no origin has it, `unavailable` when none can answer now, and `conflict` when what an origin
    /// handed out is refused.
    public func fetchCollateral(_ path: String, by author: String) async throws(BrokerError) -> JSONValue {
        guard let name = CollateralName(path) else {
            throw .malformed("CollateralError", code: "malformed_name", "\(path.prefix(256)) is no name of collateral")
        }
        logger.notice("collateral fetched on demand", metadata: ["name": "\(name)", "by": "\(author)"])
        do throws(CollateralError) {
            return collateral.standing(of: try await collateral.fetch(name)).json
        } catch {
            throw BrokerError(error)
        }
    }

    /// Everything whose name begins with `prefix`, as the object that an operator signs for another site.
    public func exportCollateral(prefix: String) async throws(BrokerError) -> JSONValue {
        do {
            return .object(try await collateral.export(prefix: prefix).content)
        } catch let error as CollateralBundleError {
            throw BrokerError(kind: .tooLarge, variant: "CollateralError", code: error.code, message: error.message)
        } catch let error as StorageError {
            throw BrokerError(error)
        } catch {
            throw .internalFailure("export_failed", "The collateral cannot be exported")
        }
    }

    /// After a rotation the older key-encryption key can go. What cannot be sealed anew is had anew, so this is no reason not
    /// to start.
    func renewCollateralSeals() async {
        do throws(StorageError) {
            let count = try await collateral.renewSeals()
            guard count > 0 else { return }
            logger.notice(
                "collateral sealed under the current key-encryption key", metadata: ["items": "\(count)"])
        } catch {
            logger.error("collateral cannot be sealed anew", metadata: ["reason": "\(error)"])
        }
    }

    /// Takes the items of a signed bundle over, each of which is verified to its manufacturer's root.
    ///
    /// Throws `malformed` when the bundle cannot be read and `denied` when signatures are missing, unknown or wrong. What
    /// became of each item is in the answer.
    public func importCollateral(_ file: [UInt8], by author: String) async throws(BrokerError) -> JSONValue {
        let bundle: CollateralBundle
        let signers: [DetachedSigner]
        do throws(CollateralBundleError) {
            bundle = try CollateralBundle(parsing: file)
            guard let collateralSigners else {
                throw CollateralBundleError(
                    code: "unknown_signer",
                    message: "This broker trusts no key for collateral; name some in collateral.signatures.keys.")
            }
            signers = try bundle.verify(by: collateralSigners)
        } catch {
            logger.warning("collateral bundle refused", metadata: ["code": "\(error.code)", "by": "\(author)"])
            throw BrokerError(error)
        }
        let outcomes = await collateral.take(bundle.items, by: author)
        return [
            "signers": .array(signers.map { .string($0.keyID) }),
            "items": .array(
                outcomes.map { outcome in
                    [
                        "name": .string(outcome.name.path), "kept": .bool(outcome.refusal == nil),
                        "code": .optional(outcome.refusal?.code), "message": .optional(outcome.refusal?.message),
                    ]
                }),
        ]
    }
}

extension CollateralStanding {
    fileprivate var json: JSONValue {
        [
            "name": .string(summary.name), "state": .string(state.rawValue), "source": .string(summary.source),
            "fetchedAt": .string(summary.fetchedAt.rfc3339), "issuedAt": .string(summary.issuedAt.rfc3339),
            "nextUpdate": .optional(summary.nextUpdate?.rfc3339), "renewal": .optional(renewal?.rfc3339),
            "sequence": summary.sequence.map { JSONValue($0) } ?? .null, "digest": .string(Hex.encode(summary.digest)),
        ]
    }
}

extension BrokerError {
    fileprivate init(_ error: CollateralError) {
        switch error.code {
        case "collateral_unknown":
            self.init(kind: .notFound, variant: "CollateralError", code: error.code, message: error.message)
        case "collateral_unavailable", "collateral_busy":
            self.init(kind: .unavailable, variant: "CollateralError", code: error.code, message: error.message)
        default:
            self.init(
                kind: .conflict, variant: "CollateralError", code: error.code,
                message: "The item is refused (code: \(error.code)): \(error.message)")
        }
    }

    fileprivate init(_ error: CollateralBundleError) {
        let isUnreadable = error.code == "bundle_malformed"
        self.init(
            kind: isUnreadable ? .malformed : .denied, variant: "CollateralError", code: error.code,
            message: "The bundle is refused (code: \(error.code)): \(error.message)")
    }
}
