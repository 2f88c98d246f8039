import { assert } from '@rollcall/core'
import type { Gm } from './gm/gm.ts'
import type { Agent } from './presence/agent.ts'
import type { RegisterHooks, Registrar } from './registration/registrar.ts'
import type { Ue } from './ue.ts'

/** What `adversary.ts` may reach of a UE, and nobody else: this module has no door to the outside. */
export interface UeInternals {
  readonly gm: Gm
  readonly registrar: Registrar
  readonly agent: Agent
  /** Registers as `Ue.register` or `Ue.reregister` do, with the hooks. */
  register(hooks: RegisterHooks): Promise<void>
}

const INTERNALS = new WeakMap<Ue, UeInternals>()

export function exposeInternals(ue: Ue, internals: UeInternals): void {
  INTERNALS.set(ue, internals)
}

export function internalsOf(ue: Ue): UeInternals {
  const internals = INTERNALS.get(ue)
  assert(internals !== undefined, 'a UE has internals')
  return internals
}
