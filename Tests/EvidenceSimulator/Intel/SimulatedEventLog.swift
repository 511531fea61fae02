import Crypto

/// What was measured into the runtime registers of a trust domain, as its firmware and agent record it (CCEL, TCG PC
/// Client Platform Firmware Profile).
package struct SimulatedEventLog: Sendable {
    /// One event.
    package struct Event: Sendable {
        /// The runtime measurement register, 0 to 3.
        package var register: Int
        /// The kind of event by its number.
        package var type: UInt32
        /// The description.
        package var data: [UInt8]
        /// What the register is extended with, 48 bytes.
        package var digest: [UInt8]

        /// An event; its digest is that of its description unless given.
        package init(register: Int, type: UInt32, data: [UInt8], digest: [UInt8]? = nil) {
            self.register = register
            self.type = type
            self.data = data
            self.digest = digest ?? Array(SHA384.hash(data: data))
        }

        /// An event that the guest's agent records while the guest runs.
        package static func agent(_ text: String) -> Event {
            Event(register: 3, type: 6, data: LogBuilder.agentEvent(text))
        }
    }

    /// The events in the order in which they were recorded.
    package var events: [Event]

    /// A log of these events; those of a short boot and of the agent's start unless given.
    package init(_ events: [Event]? = nil) {
        let boot = (0...2).map { Event(register: $0, type: 4, data: [0, 0, 0, 0]) }
        self.events =
            events ?? boot + [
                Event(register: 1, type: 0x8000_0007, data: Array("Exit Boot Services Invocation".utf8)),
                .agent("github.com/confidential-containers PullImage example.com/app"),
            ]
    }

    /// The value of a register after all its events, 48 bytes.
    package func register(_ number: Int) -> [UInt8] {
        events.filter { $0.register == number }.reduce([UInt8](repeating: 0, count: 48)) { value, event in
            Array(SHA384.hash(data: value + event.digest))
        }
    }

    /// The log as firmware keeps it: a declaration of SHA-384 alone, the events, and unused room.
    package var encoded: [UInt8] {
        var log = LogBuilder()
        for event in events {
            // In a log index 0 is the launch measurement.
            log.append(
                index: UInt32(event.register + 1), type: event.type, digests: [(0x0C, event.digest)], data: event.data)
        }
        return log.padded([UInt8](repeating: 0xFF, count: 64))
    }
}
