import type { Clock } from '@rollcall/core'
import { seededRandom } from '@rollcall/core'
import type { RegistrationsOptions } from '../registrations.ts'

/** Options of registrations that hear and tell nobody; a test says what it looks at. */
export function registrationsOptions(clock: Clock, changes: Partial<RegistrationsOptions> = {}): RegistrationsOptions {
  return {
    clock,
    random: seededRandom('registrations'),
    serviceRoute: '<sip:orig@x;lr>',
    expiresSecondsMax: 600_000,
    contactsMax: 10,
    answers: { retainMs: 128_000, entriesMax: 100 },
    owns: () => true,
    onEnded: async () => {},
    onSkipped: () => {},
    onSnapshotFailed: () => {},
    listeners: [],
    watcher: { changed() {} },
    ...changes,
  }
}
