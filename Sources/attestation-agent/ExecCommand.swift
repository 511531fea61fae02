import ArgumentParser
import Glibc
import Guest
import Logging
import Processes

/// Starts a program whose sealed variables are opened, or does not start it.
struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Opens the sealed variables of the environment, then becomes COMMAND.",
        discussion: """
            A variable is sealed when its value begins with "sealed.". If one of them cannot be opened, COMMAND is not \
            started, and the variable is named; no value is ever shown. COMMAND has this process's id and standard streams, \
            and its environment without the agent's own settings (CLAVIGER_AGENT_*).

            Exit status: that of COMMAND; else 64 wrong usage; 69 no usable TEE; 78 a file or setting cannot be used; 125 a \
            variable cannot be opened; 126 COMMAND cannot be started; 127 COMMAND is not found.
            """,
        version: AttestationAgent.version)

    private static let unresolved: Int32 = 125
    private static let notStarted: Int32 = 126
    private static let notFound: Int32 = 127

    @Flag(help: "Let a value that begins with kbs:// stand for that resource.")
    var resolveResources = false

    @OptionGroup var waiting: PatienceOptions
    @OptionGroup var options: AgentOptions

    @Argument(parsing: .postTerminator, help: "The program and its arguments, behind --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("Name the program behind --, as in: exec -- /bin/server") }
        // What is given as text would otherwise be changed on the way.
        guard !command.contains(where: { $0.unicodeScalars.contains("\u{FFFD}") }) else {
            throw ValidationError("The program's arguments are no UTF-8 text")
        }
    }

    func run() async throws {
        let variables = ReplacedProcess.environment
        try await AgentProgram.run(options, as: .command) { agent, _ in
            let environment = SealedEnvironment(
                variables.filter { !$0.starts(with: AgentVariables.prefix.utf8) }, resolvesResources: resolveResources)
            guard let plain = await resolve(environment, agent) else { return Self.unresolved }
            let failure = ReplacedProcess.become(command.map { Array($0.utf8) }, environment: plain)
            agent.logger.critical("\(command[0]) cannot be started: \(String(cString: strerror(failure)))")
            return failure == ENOENT ? Self.notFound : Self.notStarted
        }
    }

    /// The environment in plain, or nil when that cannot be had; the reasons are logged.
    private func resolve(_ environment: SealedEnvironment, _ agent: Agent) async -> [[UInt8]]? {
        var plain: [[UInt8]]?
        let failures = await waiting.patience.attempts { () async -> [SealedEnvironment.Failure] in
            do throws(SealedEnvironment.Failures) {
                plain = try await environment.resolved(by: agent.unsealer, resources: agent.cache)
                return []
            } catch {
                return error.all
            }
        } error: {
            $0.error
        }
        for failure in failures {
            agent.logger.critical(
                "the variable \(failure.name) cannot be opened: \(failure.error)",
                metadata: ["code": "\(failure.error.code.rawValue)", "decision": "\(failure.error.decisionID ?? "")"])
        }
        return plain
    }
}
