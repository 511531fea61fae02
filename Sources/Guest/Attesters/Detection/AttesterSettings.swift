public import RATS

/// Which attester may be used, and what it needs besides the kernel.
public struct AttesterSettings: Sendable {
    /// Whether the sample attester is to be used. Nothing else leads to it.
    public var allowSample: Bool
    /// The TEEs that are accepted; empty accepts every one that is found.
    public var required: [TEE]
    /// The variables of the environment that attesters look at.
    public var environment: [String: String]
    /// The machine's architecture as the kernel names it, such as `x86_64`.
    public var architecture: String
    /// The events that the agent measured (AAEL records without an end marker), for evidence of TEEs with registers.
    public var agentEvents: @Sendable () throws(GuestError) -> [UInt8]
    /// Programs that collect evidence of NVIDIA devices; empty means that there are no such devices.
    public var nvidiaCommands: [EvidenceCommand]
    /// Whether evidence of Hygon CSV brings the chip's certificates along, which have to be downloaded.
    public var includesCSVChain: Bool

    /// Settings that accept whatever hardware there is, and nothing else.
    ///
    /// - Parameter environment: also says, as in the guest components, whether the CSV chain is wanted.
    public init(
        allowSample: Bool = false, required: [TEE] = [], environment: [String: String] = [:],
        architecture: String = AttesterSettings.machine,
        nvidiaCommands: [EvidenceCommand] = [],
        agentEvents: @escaping @Sendable () throws(GuestError) -> [UInt8] = { [] }
    ) {
        self.allowSample = allowSample
        self.required = required
        self.environment = environment
        self.architecture = architecture
        self.nvidiaCommands = nvidiaCommands
        self.agentEvents = agentEvents
        includesCSVChain = environment["CSV_INCLUDE_CERT_CHAIN_IN_ATTESTATION_REPORT"] == "true"
    }

    /// The architecture that this program was built for.
    public static var machine: String {
        #if arch(arm64)
            "aarch64"
        #elseif arch(s390x)
            "s390x"
        #else
            "x86_64"
        #endif
    }

    /// Reads a list such as `snp,tdx`.
    ///
    /// - Throws: `GuestError` with `invalid_request` for a name that is no TEE.
    public static func tees(_ text: String) throws(GuestError) -> [TEE] {
        var tees: [TEE] = []
        for name in text.split(separator: ",") {
            guard let tee = TEE(wireName: String(name)) else {
                throw GuestError(.invalidRequest, "“\(name)” is no TEE; known are \(known).")
            }
            tees.append(tee)
        }
        return tees
    }

    private static var known: String { TEE.allCases.map(\.rawValue).joined(separator: ", ") }
}
