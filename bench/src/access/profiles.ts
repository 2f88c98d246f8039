import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SIP_SERVICES, type SipServiceName } from '@rollcall/deploy/local/stack.ts'
import { printSelfTimes } from '../cpu-profile.ts'
import { TemporaryFolder } from '../temporary-folder.ts'

/** Where the services of an access stack leave their CPU profiles; nowhere, unless asked for. */
export interface AccessProfiles extends Disposable {
  readonly options: { readonly profileFolders?: Readonly<Record<SipServiceName, string>> }
}

export function withProfiles(isProfiled: boolean): AccessProfiles {
  if (!isProfiled) return { options: {}, [Symbol.dispose]: () => {} }
  const folder = new TemporaryFolder('profile')
  const of = (name: SipServiceName): string => {
    const path = join(folder.path, name)
    mkdirSync(path)
    return path
  }
  const profileFolders = {
    hss: of('hss'),
    presence: of('presence'),
    scscf: of('scscf'),
    pcscf: of('pcscf'),
  }
  return { options: { profileFolders }, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

/** Prints where each service spent its time; it has ended, and what was before `sinceMs` does not count. */
export function printProfiles(name: string, { options }: AccessProfiles, sinceMs: number): void {
  const { profileFolders } = options
  if (!profileFolders) return
  for (const service of SIP_SERVICES) printSelfTimes(`${name}, ${service}`, profileFolders[service], sinceMs)
}
