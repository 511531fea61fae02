public import Encodings
import FoundationEssentials
import Logging
import Policy
import Storage

extension Broker {
    /// The most measurements in one answer.
    public static let maximumMeasurements = 10_000

    /// Remembers the measurements of guests that attested, and says which nobody saw before. It never stands in the way of an
    /// attestation.
    func note(_ sightings: [MeasurementSighting]) async {
        let now = environment.clock.now().timeIntervalSince1970
        let due = measurementWatch.due(sightings, at: now)
        guard !due.isEmpty else { return }
        do throws(StorageError) {
            for sighting in try await measurements.note(due) {
                metrics.measurementFirstSeen(tee: sighting.tee)
                logger.notice(
                    "a measurement is seen for the first time",
                    metadata: [
                        "tee": "\(sighting.tee)", "claim": "\(sighting.claim)", "value": "\(sighting.value.printable)",
                    ])
            }
            measurementWatch.remember(due, at: now)
        } catch {
            logger.warning("measurements were not noted", metadata: ["reason": "\(error)"])
        }
    }

    /// The measurements that guests showed, the newest first, each with the reference values that hold it and count now:
    /// `{"measurements": [{"tee": …, "claim": …, "value": …, "firstSeen": …, "lastSeen": …, "names": […]}]}`.
    public func measurementList(limit: Int) async throws(BrokerError) -> JSONValue {
        let stored = try await storing { () async throws(StorageError) in try await measurements.list(limit: limit) }
        let names = try await namesByValue()
        return [
            "measurements": .array(
                stored.map { measurement in
                    let sighting = measurement.sighting
                    return [
                        "tee": .string(sighting.tee), "claim": .string(sighting.claim),
                        "value": .string(sighting.value), "firstSeen": .string(measurement.firstSeen.rfc3339),
                        "lastSeen": .string(measurement.lastSeen.rfc3339),
                        "names": .array((names[sighting.value] ?? []).sorted().map { .string($0) }),
                    ]
                })
        ]
    }

    /// The names of the reference values that hold a text, by the text.
    private func namesByValue() async throws(BrokerError) -> [String: Set<String>] {
        let now = environment.clock.now()
        var names: [String: Set<String>] = [:]
        func note(_ name: String, _ value: JSONValue) {
            for element in value.arrayValue ?? [value] {
                if let text = element.stringValue { names[text, default: []].insert(name) }
            }
        }
        for (name, value) in try await referenceValues() { note(name, value) }
        let declared = ((try? await policies.current()) ?? policies.latest).bundle.referenceValues(at: now)
        for value in declared where value.counts { note(value.entry.name, value.entry.value) }
        return names
    }
}
