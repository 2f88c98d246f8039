import { contactKey } from './contacts/contact.ts'
import type { PcscfContext } from './context.ts'
import type { RegistrationWatch } from './registration/conclusions.ts'

/** Tables that nobody else clears of what is past its time. */
export interface Swept {
  sweep(): void
}

/**
 * Lets go of all that is past its time, and of what hung on it: with a contact end its SA sets, 64*T1 later. What has
 * expired is known from the record that bound it, so nothing needs to be written.
 *
 * @see TS 24.229 clauses 5.2.2.2 and 5.2.5.1
 */
export function sweep(context: PcscfContext, watch: Pick<RegistrationWatch, 'ended'>, tables: readonly Swept[]): void {
  const { clock, contacts, dialogs, events, impiBuckets, sets } = context
  for (const contact of contacts.sweep(clock.now())) {
    const { impi, instance } = contact
    // guard: expired-sets-end — who is registered no more has no SAs to speak in
    // A set lives as long as the longest registration that it saw, so it may be longer than this one.
    sets.tell(impi, { kind: 'deregistered', contact: contactKey(impi, instance), id: undefined })
    events.registrationEnded('expired', impi)
    watch.ended(contact)
  }
  dialogs.sweep()
  impiBuckets.sweep()
  for (const table of tables) table.sweep()
}
