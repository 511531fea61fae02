import ArgumentParser

/// The environment variables that stand for options.
struct AgentVariables {
    static let prefix = "CLAVIGER_AGENT_"

    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    func text(_ option: String) -> String? {
        let name = Self.prefix + String(option.uppercased().map { $0 == "-" ? "_" : $0 })
        return environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    func list(_ option: String) -> [String] {
        (text(option) ?? "").split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    func flag(_ option: String) throws -> Bool {
        switch text(option)?.lowercased() {
        case nil, "0", "false", "no": return false
        case "1", "true", "yes": return true
        default: throw ValidationError("The variable for --\(option) is true or false")
        }
    }

    func number(_ option: String) throws -> Double? {
        guard let text = text(option) else { return nil }
        guard let number = Double(text) else { throw ValidationError("The variable for --\(option) is a number") }
        return number
    }
}
