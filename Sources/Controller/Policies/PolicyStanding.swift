/// What the broker said of the policies, what its replicas decide by, and since which generation each policy is what it is.
struct PolicyStanding: Sendable {
    private struct Force: Sendable {
        let digest: String?
        let generation: Int64
    }

    private(set) var answer: SourceAnswer
    private(set) var replicas: ReplicaStates
    private var inForce: [PolicyKey: Force]

    /// - Parameter former: how it stood before: a policy that is the same as then decides on every replica that had it then,
    ///   whatever else was changed since.
    init(_ answer: SourceAnswer, _ replicas: ReplicaStates, after former: PolicyStanding?) {
        self.answer = answer
        self.replicas = replicas
        inForce = answer.verdicts.mapValues { verdict in
            if let before = former?.inForce[verdict.key], before.digest != nil, before.digest == verdict.digest {
                return before
            }
            return Force(digest: verdict.digest, generation: answer.generation)
        }
    }

    /// The generation of policies from which on the broker has this one as it is.
    func generation(of key: PolicyKey) -> Int64 { inForce[key]?.generation ?? answer.generation }
}
