import Encodings

/// Which arguments of mkfs.ext4 a caller may give: those that shape the file system. All of them have a value.
enum Ext4Arguments {
    private static let options: Set<Character> = ["b", "i", "I", "m", "N", "O", "T", "E", "L", "U", "g", "G"]
    private static let extended: Set<Substring> = [
        "lazy_itable_init", "lazy_journal_init", "nodiscard", "discard", "stride", "stripe_width",
    ]

    /// Refuses every other argument: mkfs takes what is no option for a device to overwrite, and some options have it read
    /// files or write elsewhere.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    static func check(_ arguments: [String]) throws(GuestError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.first == "-", let option = argument.dropFirst().first, options.contains(option) else {
                throw refusal(argument, "is not permitted")
            }
            let inline = argument.dropFirst(2)
            // A value that looks like an option would be another one to who reads the arguments next.
            guard let value = inline.isEmpty ? rest.popFirst().map({ $0[...] }) : inline, !value.hasPrefix("-") else {
                throw refusal(argument, "has no value")
            }
            guard !value.contains("/") else { throw refusal(String(value), "is a path") }
            guard option == "E" else { continue }
            for setting in value.split(separator: ",", omittingEmptySubsequences: false) {
                guard let name = setting.split(separator: "=", omittingEmptySubsequences: false).first,
                    extended.contains(name)
                else { throw refusal("-E \(setting)", "is not permitted") }
            }
        }
    }

    private static func refusal(_ argument: String, _ reason: String) -> GuestError {
        VolumeRequest.invalid("The option mkfsOpts has \(argument.prefix(40).printable), which \(reason).")
    }
}
