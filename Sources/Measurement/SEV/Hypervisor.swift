/// Who starts the guest: each sets the processors' registers in its own way, and these are measured.
public enum Hypervisor: String, Sendable, Hashable, CaseIterable {
    /// QEMU with KVM.
    case qemu
    /// Amazon EC2.
    case ec2
    /// Google Compute Engine.
    case gce

    /// Whether the model of processor is in the registers.
    public var measuresProcessorModel: Bool { self == .qemu }
}
