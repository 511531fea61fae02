import FoundationEssentials
import Logging
import RATS
import Storage

extension CollateralCache {
    /// Why an origin is to be asked.
    enum Reason: Sendable {
        /// Nothing at hand can answer a verifier.
        case missing
        /// What is at hand will have to be renewed.
        case renewal
        /// An operator wants it.
        case demanded
    }

    /// Has an item from an origin, unless it is no time to ask, or another replica was faster.
    func obtain(_ name: CollateralName, reason: Reason) async -> Result<CollateralEntry, CollateralError> {
        let candidates = origins.filter { $0.provides(name) }
        guard !candidates.isEmpty else {
            let sentence = settings.network ? "no origin has such things." : "the network is switched off."
            return .failure(.unavailable(name, sentence))
        }
        if reason != .demanded, let pause = pauses.current(.name(name), at: clock.now()) {
            return .failure(pause.error)
        }
        if let error = pauseOfAll(candidates, for: name) { return .failure(error) }
        let began = ContinuousClock.now
        return await turnstile.pass(name.kind) {
            // Whoever waited this long behind others is told so, and the queue behind him moves on.
            guard ContinuousClock.now - began < settings.timeout * 2 else { return .failure(.busy(name)) }
            do throws(StorageError) {
                // Longer than one replica needs for all origins.
                let patience = settings.timeout * (candidates.count + 1)
                return try await database.exclusively("collateral \(name)", patience: patience) {
                    await self.obtainAlone(name, reason: reason, from: candidates)
                }
            } catch {
                return .failure(.unavailable(name, "the database cannot be used now."))
            }
        }
    }

    /// Why there is nobody to ask: the pause that ends first, when all origins pause.
    private func pauseOfAll(_ candidates: [any CollateralOrigin], for name: CollateralName) -> CollateralError? {
        let now = clock.now()
        let current = candidates.compactMap { pauses.current(.origin($0.name, kind: name.kind), at: now) }
        guard current.count == candidates.count else { return nil }
        return current.min { $0.until < $1.until }?.error
    }

    private func obtainAlone(
        _ name: CollateralName, reason: Reason, from candidates: [any CollateralOrigin]
    ) async -> Result<CollateralEntry, CollateralError> {
        do throws(CollateralError) {
            // Who waited for another replica takes what that one had.
            if reason != .demanded, let found = try await load(name), !isDue(found) { return .success(found) }
            try await learnPauses(name, candidates, reason)
            return .success(try await ask(name, candidates))
        } catch {
            return .failure(error)
        }
    }

    /// Takes over the pauses of other replicas; throws when the name itself pauses.
    private func learnPauses(
        _ name: CollateralName, _ candidates: [any CollateralOrigin], _ reason: Reason
    ) async throws(CollateralError) {
        let now = clock.now()
        let subjects = [CollateralPauses.Subject.name(name)] + candidates.map { .origin($0.name, kind: name.kind) }
        // Pauses only spare origins: without them an origin is asked once too often.
        let known = (try? await store.pauses(of: subjects.map(\.text), now: now)) ?? []
        for subject in subjects {
            guard let pause = known.first(where: { $0.subject == subject.text }) else { continue }
            if reason == .demanded, case .name = subject { continue }
            let error = CollateralError(code: pause.code, message: pause.message)
            pauses.adopt(subject, until: pause.until, error, at: now)
        }
        guard reason != .demanded, let pause = pauses.current(.name(name), at: now) else { return }
        throw pause.error
    }

    /// Asks one origin after the other for an item that is good.
    private func ask(
        _ name: CollateralName, _ candidates: [any CollateralOrigin]
    ) async throws(CollateralError) -> CollateralEntry {
        var errors: [CollateralError] = []
        // What files lack may be in them in a moment, and other replicas may have other files.
        var isUnknownEverywhere = candidates.contains { $0.usesNetwork }
        for origin in candidates {
            if let pause = pauses.current(.origin(origin.name, kind: name.kind), at: clock.now()) {
                isUnknownEverywhere = false
                errors.append(pause.error)
                continue
            }
            do throws(CollateralFetchFailure) {
                let item = try await origin.item(name)
                metrics.fetched(from: origin.name)
                pauses.end(.origin(origin.name, kind: name.kind))
                isUnknownEverywhere = false
                do throws(CollateralError) {
                    return try await keep(item, named: name, from: origin.name, isLasting: false)
                } catch {
                    noteRefusal(error, name, origin)
                    errors.append(error)
                }
            } catch {
                isUnknownEverywhere = isUnknownEverywhere && error.kind == .unknown
                errors.append(await note(error, name, origin))
            }
        }
        let error =
            errors.first { $0.code != "collateral_unknown" } ?? errors.first
            ?? .unavailable(name, "no origin was asked.")
        await rest(name, error, isUnknownEverywhere: isUnknownEverywhere)
        throw error
    }

    /// Inspects an item and keeps it: in the database, or, where that has no room and `isLasting` is false, in memory.
    func keep(
        _ item: CollateralItem, named name: CollateralName, from source: String, isLasting: Bool
    ) async throws(CollateralError) -> CollateralEntry {
        let validity = try inspectors.inspect(item, named: name)
        let now = clock.now()
        let entry = CollateralEntry(name: name, item: item, validity: validity, source: source, fetchedAt: now)
        // What this broker saw counts also when somebody put the whole database back.
        guard !shelf.isBehind(entry) else { throw .rollback(name) }
        let generation = shelf.generation
        let room = CollateralRoom(
            limit: settings.maximumItems, sparedNames: shelf.names.map(\.path),
            sparedSources: Self.importedSource)
        let outcome: CollateralStoring
        do throws(StorageError) {
            outcome = try await store.put(entry.stored, room: room)
        } catch {
            throw .unavailable(name, error.reasonWithoutCollateral)
        }
        switch outcome {
        case .stored(let evicted): if evicted > 0 { noteEviction(evicted, for: name) }
        case .full:
            guard !isLasting else { throw .full(name) }
            noteFull(name, at: now)
        case .behind: throw .rollback(name)
        }
        pauses.end(.name(name))
        guard shelf.put(entry, readAt: generation) else { throw .rollback(name) }
        if settings.state(nextUpdate: validity.nextUpdate, at: now) == .expired {
            logger.warning(
                "collateral had expired when it was had", metadata: ["name": "\(name)", "source": "\(source)"])
        }
        return entry
    }

    private func noteRefusal(_ error: CollateralError, _ name: CollateralName, _ origin: any CollateralOrigin) {
        if error.code != "collateral_unavailable" { metrics.refused(code: error.code) }
        logger.warning(
            "collateral not kept",
            metadata: [
                "name": "\(name)", "origin": "\(origin.name)", "code": "\(error.code)", "reason": "\(error.message)",
            ])
    }

    /// Counts a failure of an origin, and leaves it alone for a while, for this kind of collateral, where it failed as a whole.
    private func note(
        _ failure: CollateralFetchFailure, _ name: CollateralName, _ origin: any CollateralOrigin
    ) async -> CollateralError {
        let error = CollateralError(failure, name)
        metrics.fetchFailed(from: origin.name, code: failure.kind.rawValue)
        logger.info(
            "collateral not to be had",
            metadata: [
                "name": "\(name)", "origin": "\(origin.name)", "failure": "\(failure.kind.rawValue)",
                "reason": "\(failure.message)",
            ])
        guard origin.usesNetwork else { return error }
        let now = clock.now()
        let subject = CollateralPauses.Subject.origin(origin.name, kind: name.kind)
        let reason = CollateralError(code: "collateral_unavailable", message: failure.message)
        switch failure.kind {
        case .throttled:
            let pause = pauses.begin(
                subject, reason, at: now, first: CollateralSettings.throttledPause, requested: failure.retryAfter)
            await tell(subject, pause, at: now)
        case .unavailable:
            _ = pauses.begin(subject, reason, at: now, first: CollateralSettings.unavailablePause)
        case .unknown: pauses.end(subject)
        case .malformed: break
        }
        return error
    }

    /// Does not ask for a name again for a while.
    private func rest(_ name: CollateralName, _ error: CollateralError, isUnknownEverywhere: Bool) async {
        let now = clock.now()
        // An origin that pauses is reason enough not to ask; the name is asked for as soon as it is back.
        guard error.code != "collateral_unavailable" else { return }
        let pause = pauses.begin(
            .name(name), error, at: now, first: CollateralSettings.refusedPause,
            requested: isUnknownEverywhere ? CollateralSettings.unknownPause : nil)
        if isUnknownEverywhere { await tell(.name(name), pause, at: now) }
    }

    private func tell(_ subject: CollateralPauses.Subject, _ pause: CollateralPauses.Pause, at now: Date) async {
        let told = CollateralPause(
            subject: subject.text, until: pause.until, code: pause.error.code, message: pause.error.message)
        do throws(StorageError) {
            try await store.pause(told, now: now)
        } catch {
            logger.debug("a pause was not told to the other replicas", metadata: ["reason": "\(error)"])
        }
    }
}
