import type { Until } from '../load/work.ts'

/** Where the UEs of a generator bootstrap, and how many they are. */
export interface BootstrapPlace {
  readonly address: string
  readonly port: number
  readonly realm: string
  readonly users: number
}

/** Bootstrappings of one user after the other, none of them twice at a time. */
export interface BootstrapWork {
  readonly outstanding: number
  readonly until: Until
}
