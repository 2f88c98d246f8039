import type { Impi } from '@rollcall/core'
import { CONTACT_BEYOND_REGISTRATION_MS, type Contact, contactKey } from './contact.ts'

/**
 * The registered contacts, by UE and by registration id. Time is an argument: an entry that is past its time is not
 * found, and `sweep` takes it out.
 */
export class ContactTable {
  readonly #byKey = new Map<string, Contact>()
  readonly #byId = new Map<string, Contact>()
  readonly #byImpi = new Map<Impi, Set<Contact>>()
  /** What the network ended: its UE may still be told why. */
  readonly #leaving = new Map<string, { readonly contact: Contact; readonly untilMs: number }>()

  get size(): number {
    return this.#byKey.size
  }

  /** Puts a contact in, in the place of an earlier one of the same UE. */
  bind(contact: Contact): void {
    const key = contactKey(contact.impi, contact.instance)
    const earlier = this.#byKey.get(key)
    if (earlier) this.#forget(key, earlier)
    this.#byKey.set(key, contact)
    this.#byId.set(idOf(contact.registrationId), contact)
    this.#leaving.delete(idOf(contact.registrationId))
    const own = this.#byImpi.get(contact.impi) ?? new Set()
    own.add(contact)
    this.#byImpi.set(contact.impi, own)
  }

  /** Takes the registration out; undefined when it is not there. */
  remove(registrationId: Buffer): Contact | undefined {
    const contact = this.#byId.get(idOf(registrationId))
    if (contact) this.#forget(contactKey(contact.impi, contact.instance), contact)
    return contact
  }

  /** Takes the registration out, and finds it by `findLeaving` until then. */
  leave(registrationId: Buffer, untilMs: number): void {
    const contact = this.remove(registrationId)
    if (contact) this.#leaving.set(idOf(registrationId), { contact, untilMs })
  }

  /** What a flow token names whose registration the network has ended. */
  findLeaving(registrationId: Buffer, nowMs: number): Contact | undefined {
    const leaving = this.#leaving.get(idOf(registrationId))
    return leaving && leaving.untilMs > nowMs ? leaving.contact : undefined
  }

  /** Contacts that `findLeaving` finds, or found. */
  get leaving(): number {
    return this.#leaving.size
  }

  find(key: string, nowMs: number): Contact | undefined {
    return alive(this.#byKey.get(key), nowMs)
  }

  /** What a flow token names. */
  findById(registrationId: Buffer, nowMs: number): Contact | undefined {
    return alive(this.#byId.get(idOf(registrationId)), nowMs)
  }

  /** All contacts of a private identity. */
  ofImpi(impi: Impi, nowMs: number): Contact[] {
    return [...(this.#byImpi.get(impi) ?? [])].filter((contact) => alive(contact, nowMs))
  }

  /** In no order. */
  *all(nowMs: number): Iterable<Contact> {
    for (const contact of this.#byKey.values()) if (alive(contact, nowMs)) yield contact
  }

  /** Takes out what is past its time, and tells. */
  sweep(nowMs: number): Contact[] {
    for (const [id, { untilMs }] of this.#leaving) if (untilMs <= nowMs) this.#leaving.delete(id)
    const ended: Contact[] = []
    for (const [key, contact] of this.#byKey) {
      if (alive(contact, nowMs)) continue
      this.#forget(key, contact)
      ended.push(contact)
    }
    return ended
  }

  clear(): void {
    this.#byKey.clear()
    this.#byId.clear()
    this.#byImpi.clear()
    this.#leaving.clear()
  }

  #forget(key: string, contact: Contact): void {
    this.#byKey.delete(key)
    this.#byId.delete(idOf(contact.registrationId))
    const own = this.#byImpi.get(contact.impi)
    own?.delete(contact)
    if (own?.size === 0) this.#byImpi.delete(contact.impi)
  }
}

function alive(contact: Contact | undefined, nowMs: number): Contact | undefined {
  return contact && contact.expiresAtMs + CONTACT_BEYOND_REGISTRATION_MS > nowMs ? contact : undefined
}

function idOf(registrationId: Buffer): string {
  return registrationId.toString('latin1')
}
