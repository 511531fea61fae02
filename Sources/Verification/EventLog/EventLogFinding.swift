/// Something odd about a log that may be innocent, which a policy may want to know.
public enum EventLogFinding: String, Sendable, Hashable, CaseIterable {
    /// A register has more than one mark between firmware and operating system, so that what came before the last could
    /// pass for firmware's. In a CCEL, where several PCRs share a register, this is usual.
    case duplicateSeparator = "duplicate_separator"
    /// Firmware marked an error instead of the end of its work.
    case errorSeparator = "error_separator"
    /// Firmware's register got an event after that mark which belongs before it.
    case lateFirmwareEvent = "late_firmware_event"
    /// A register of the firmware has events and never the mark.
    case missingSeparator = "missing_separator"
    /// An event of the guest's agent has a text that its digest does not cover, or that is not in the agent's form.
    case doubtfulAgentEvent = "doubtful_agent_event"
}

extension EventLog {
    /// Which registers a log's indices mean.
    public enum Layout: Sendable, Hashable {
        /// The PCRs of a TPM, of which firmware has 0 to 7.
        case platform
        /// A CCEL: the launch measurement and four registers.
        case confidentialVM
    }

    /// What is odd about the log, in the order of declaration.
    public func findings(in layout: Layout) -> [EventLogFinding] {
        var found: Set<EventLogFinding> = []
        var separated: Set<UInt32> = []
        var firmware: Set<UInt32> = []
        for event in events where event.isMeasured {
            let isFirmware = layout == .platform && event.index <= 7
            if isFirmware { firmware.insert(event.index) }
            if event.type == .separator {
                if !separated.insert(event.index).inserted { found.insert(.duplicateSeparator) }
                if event.data != [0, 0, 0, 0], event.data != [0xFF, 0xFF, 0xFF, 0xFF] {
                    found.insert(.errorSeparator)
                }
            } else if isFirmware, separated.contains(event.index), !Self.isUsualAfterSeparator(event) {
                found.insert(.lateFirmwareEvent)
            }
            if event.type == .eventTag, let tagged = TaggedEvent(event.data), tagged.isAgentEvent,
                !event.digestMatchesEvent || !tagged.isWellFormed || !event.isInRuntimeRegister
            {
                found.insert(.doubtfulAgentEvent)
            }
        }
        if !firmware.isSubset(of: separated) { found.insert(.missingSeparator) }
        return EventLogFinding.allCases.filter(found.contains)
    }

    /// Whether firmware measures such events when it hands over: what it starts, from which disk, by which key, in which
    /// order (TCG PC Client Platform Firmware Profile 1.06, section 3.3.4).
    private static func isUsualAfterSeparator(_ event: Event) -> Bool {
        switch event.index {
        case 1: [.variableBoot, .variableBoot2, .handoffTables, .handoffTables2].contains(event.type)
        case 4: [.bootServicesApplication, .efiAction, .action, .ipl, .compactHash].contains(event.type)
        case 5: [.gpt, .efiAction, .action, .ipl].contains(event.type)
        case 6: event.type == .compactHash
        case 7: event.type == .variableAuthority
        default: false
        }
    }
}
