import type { Contact, SaSet } from '@rollcall/proto-gen/admin'
import { SaSetState } from '@rollcall/proto-gen/admin'
import type { SaSetView, Ue } from '@rollcall/ue'
import type { Cast } from '../cast.ts'
import type { UeName } from '../people.ts'
import type { StoryStack } from '../stack.ts'
import { expect, waitFor } from '../waiting.ts'
import type { Step } from './step.ts'

/** Registers one UE by IMS AKA. */
function registerStep(name: 'register-alice-phone' | 'register-alice-tablet' | 'register-bob', ue: UeName): Step {
  return {
    name,
    async play(cast) {
      const device = await cast.ue(ue)
      const { associatedUris } = await device.register()
      const [first = '', ...others] = associatedUris
      const { stack } = cast
      const mine = (contact: Contact): boolean => contact.impi === device.impi
      const contact = (await stack.admin.listContacts()).find(mine)
      expect(contact && setIsInUse(contact, device), 'the P-CSCF holds another SA set than the UE')
      const registrations = await stack.admin.listRegistrations()
      expect(
        registrations.some(({ impi }) => impi === device.impi),
        'the S-CSCF does not know the registration',
      )
      const also = others.length === 0 ? '' : ` and with it ${others.join(', ')}`
      return {
        protection: device.protection ?? '',
        detail: `${spoken(ue)} registered ${first}${also}: it knew the network's challenge for genuine, and proved itself inside ESP.`,
      }
    },
  }
}

export const registerSteps: readonly Step[] = [
  registerStep('register-alice-phone', 'alice-phone'),
  registerStep('register-alice-tablet', 'alice-tablet'),
  registerStep('register-bob', 'bob'),
]

export const reregisterStep: Step = {
  name: 'reregister',
  async play(cast) {
    const bob = await cast.registered('bob')
    const setIds = [establishedOf(bob).id]
    for (let i = 0; i < 2; i++) {
      await bob.reregister()
      setIds.push(establishedOf(bob).id)
    }
    expect(new Set(setIds).size === 3, 'a re-registration brought no new SAs')
    await newestSetAtPcscf(cast.stack, bob)
    return {
      protection: bob.protection ?? '',
      detail: 'bob registered again, twice: each time new keys and new SAs, over the ones before.',
    }
  },
}

/** How a UE is called in a sentence. */
export function spoken(ue: UeName): string {
  const [person = '', device] = ue.split('-')
  return device === undefined ? person : `${person}'s ${device}`
}

/** The set that the UE's messages go in now. */
export function establishedOf(ue: Ue): SaSetView {
  const set = ue.saSets.find(({ state }) => state === 'established')
  expect(set, 'the UE has no established SA set')
  return set
}

/** Waits until the P-CSCF sends to the UE in the UE's newest set. */
export async function newestSetAtPcscf(stack: StoryStack, ue: Ue): Promise<Contact> {
  return await waitFor("the P-CSCF uses the UE's newest SA set", async () => {
    const contact = (await stack.admin.listContacts()).find(({ impi }) => impi === ue.impi)
    return contact && setIsInUse(contact, ue) ? contact : undefined
  })
}

/** Waits until the P-CSCF has let the UE's older sets go, which it does 64*T1 after it heard the UE in the new one. */
export async function onlyNewestSetAtPcscf(cast: Cast, ue: Ue, timeoutMs: number): Promise<void> {
  await waitFor(
    'the P-CSCF lets old SA sets go',
    async () => {
      const contact = (await cast.stack.admin.listContacts()).find(({ impi }) => impi === ue.impi)
      return contact?.saSets.length === 1 && setIsInUse(contact, ue) ? true : undefined
    },
    timeoutMs,
  )
}

function setIsInUse(contact: Contact, ue: Ue): boolean {
  const ours = establishedOf(ue)
  return contact.saSets.some((set) => set.state === SaSetState.SA_SET_STATE_ESTABLISHED && isSame(set, ours))
}

/** Each end has numbered its own inbound SAs; both must know all four. */
function isSame(theirs: SaSet, ours: SaSetView): boolean {
  return (
    theirs.spiUc === ours.local.spiC &&
    theirs.spiUs === ours.local.spiS &&
    theirs.spiPc === ours.remote.spiC &&
    theirs.spiPs === ours.remote.spiS &&
    theirs.portUc === ours.local.portC &&
    theirs.portUs === ours.local.portS
  )
}
