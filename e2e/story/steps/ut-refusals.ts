import { userDocument, XcapRefusedError } from '@rollcall/ue'
import { expect } from '../waiting.ts'
import type { Step } from './step.ts'

const FORBIDDEN = 403
/** A NAF that nobody here is. */
const FOREIGN_NAF = 'naf.elsewhere.example'

export const foreignTreeStep: Step = {
  name: 'refuse-foreign-tree',
  async play(cast) {
    const own = await (await cast.ut('alice-phone')).rules.get()
    expect(own?.etag, 'alice has no rules')
    const document = userDocument('pres-rules', cast.alice, 'index')
    const body = own.body
    // In her own name, and asking to be alice.
    for (const ut of [await cast.ut('mallory'), await cast.ut('mallory', cast.alice)]) {
      await isForbidden(() => ut.xcap.get(document), 'read')
      await isForbidden(() => ut.xcap.put(document, { body, contentType: 'application/auth-policy+xml' }), 'replaced')
      await isForbidden(() => ut.xcap.delete(document), 'deleted')
    }
    const after = await (await cast.ut('alice-phone')).rules.get()
    expect(after?.etag === own.etag, "alice's rules have changed")
    return {
      protection: (await cast.ut('mallory')).protection ?? '',
      detail:
        "mallory, bootstrapped like anybody, reached for alice's rules, in her own name and asking to be alice: 403 six times, and they stand.",
    }
  },
}

export const foreignNafStep: Step = {
  name: 'refuse-foreign-naf',
  async play(cast) {
    const ut = await cast.ut('alice-phone')
    const naf = cast.stack.ut
    expect(naf, 'the stack has no Ut')
    const { btid } = ut.bootstrapped ?? (await ut.bootstrap())
    const root = cast.stack.world.credentials['alice-phone'].ut?.xcapRoot
    expect(root, 'the credentials name no XCAP root')
    const own = new URL(root).hostname
    expect((await naf.asksForKey({ btid, fqdn: own })) === 'given', 'the AP does not get the key of its own name')
    const answer = await naf.asksForKey({ btid, fqdn: FOREIGN_NAF })
    expect(answer === 'refused', 'a NAF got the key of another one')
    await cast.aliceWinfo?.unsubscribe()
    // What the operator provisioned counts again.
    await ut.rules.remove()
    return {
      protection: 'mutual tls',
      detail: `the AP's certificate does not name ${FOREIGN_NAF}: asked for that NAF's key of alice's, the BSF refused.`,
    }
  },
}

async function isForbidden(attempt: () => Promise<unknown>, what: string): Promise<void> {
  try {
    await attempt()
  } catch (error) {
    if (error instanceof XcapRefusedError && error.status === FORBIDDEN) return
    throw error
  }
  expect(false, `mallory has ${what} alice's rules`)
}
