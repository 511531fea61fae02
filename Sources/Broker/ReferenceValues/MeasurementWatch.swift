import Encodings
import RATS
import Storage
import Synchronization

/// Which claims are measurements of what a guest was started from, and which of them were noted lately: what was noted needs
/// no statement of the database.
final class MeasurementWatch: Sendable {
    /// The most measurements that are remembered as noted.
    private static let maximumRemembered = 4_096
    /// The longest value that is noted, in bytes: measurements are digests.
    private static let maximumValueBytes = 256

    private let noted = Mutex<[MeasurementSighting: Double]>([:])

    /// Members of the claims of each kind of hardware, each with the names of the objects around it.
    private static let claims: [TEE: [[String]]] = [
        .snp: [["measurement"]],
        .tdx: [["quote", "body", "mr_td"], ["quote", "body", "rtmr_1"], ["quote", "body", "rtmr_2"]],
        .sgx: [["body", "mr_enclave"]], .azSNPvTPM: [["measurement"], ["tpm", "pcr11"]],
        .azTDXvTPM: [["quote", "body", "mr_td"], ["tpm", "pcr11"]], .tpm: [["pcr11"]],
        .cca: [["realm", "cca-realm-initial-measurement"]], .se: [["tag"]],
        .nitro: [["pcr0"], ["pcr1"], ["pcr2"]], .csv: [["measure"]],
        .sample: [["launch_digest"]],
    ]

    /// The measurements in claims.
    static func sightings(_ claims: EvidenceClaims) -> [MeasurementSighting] {
        (Self.claims[claims.tee] ?? []).compactMap { path in
            var value: JSONValue? = .object(claims.claims)
            for name in path { value = value?[name] }
            guard let text = value?.stringValue, !text.isEmpty, text.utf8.count <= maximumValueBytes,
                !text.utf8.contains(0)
            else { return nil }
            return MeasurementSighting(
                tee: claims.tee.rawValue, claim: path.joined(separator: "."), value: text)
        }
    }

    /// Those that were not noted within the time after which the repository writes sightings down again.
    func due(_ sightings: [MeasurementSighting], at now: Double) -> [MeasurementSighting] {
        noted.withLock { noted in
            sightings.filter { sighting in
                noted[sighting].map { abs(now - $0) > Double(MeasurementRepository.sightingGranularity) } ?? true
            }
        }
    }

    func remember(_ sightings: [MeasurementSighting], at now: Double) {
        noted.withLock { noted in
            if noted.count + sightings.count > Self.maximumRemembered { noted = [:] }
            for sighting in sightings { noted[sighting] = now }
        }
    }
}
