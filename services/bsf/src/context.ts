import type { Clock } from '@rollcall/core'
import type { ChallengeRecord, ContextRecord, TmpiRecord } from '@rollcall/proto-gen/bsf'
import type { NafSettings } from './config.ts'
import type { BsfEvents } from './events.ts'
import type { SealedRecords } from './records/sealed-records.ts'
import type { UbLimits } from './ub/limits.ts'
import type { ZhClient } from './zh/zh-client.ts'

/** What is there once the store is. */
export interface BsfRecords {
  readonly challenges: Pick<SealedRecords<ChallengeRecord>, 'create' | 'get' | 'take'>
  readonly contexts: Pick<SealedRecords<ContextRecord>, 'create' | 'get'>
  readonly tmpis: Pick<SealedRecords<TmpiRecord>, 'create' | 'get'>
}

/** Everything that a handler may use. Built once, by the service. */
export interface BsfContext {
  /** Name of this BSF: realm of its challenges, domain of its B-TIDs. */
  readonly bsfName: string
  readonly keyLifetimeMs: number
  readonly challengeMs: number
  /** Whether UEs are given temporary names. */
  readonly givesTmpi: boolean
  readonly nafs: NafSettings
  /** @throws StoreUnavailableError until the store is there. */
  readonly records: () => BsfRecords
  readonly zh: Pick<ZhClient, 'multimediaAuth'>
  readonly limits: UbLimits
  readonly events: BsfEvents
  readonly clock: Clock
}
