import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICES, type ServiceName } from '@rollcall/deploy/local/stack.ts'
import { printSelfTimes } from '../cpu-profile.ts'
import { TemporaryFolder } from '../temporary-folder.ts'

/** Where the services of a stack leave their CPU profiles; nowhere, unless asked for. */
export interface Profiles extends Disposable {
  readonly options: { readonly profileFolders?: ProfileFolders }
}

export type ProfileFolders = Readonly<Partial<Record<ServiceName, string>>>

export function withProfiles(isProfiled: boolean, services: readonly ServiceName[]): Profiles {
  if (!isProfiled) return { options: {}, [Symbol.dispose]: () => {} }
  const folder = new TemporaryFolder('profile')
  const profileFolders: Partial<Record<ServiceName, string>> = {}
  for (const name of services) {
    const path = join(folder.path, name)
    mkdirSync(path)
    profileFolders[name] = path
  }
  return { options: { profileFolders }, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

/** What makes a service of a stack leave its profile. */
export function profileSettings(name: string, folders: ProfileFolders | undefined): Record<string, string> {
  const folder = Object.entries(folders ?? {}).find(([one]) => name === one || name.startsWith(`${one}-`))?.[1]
  return folder === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` }
}

/** Prints where each service spent its time; it has ended, and what was before `sinceMs` does not count. */
export function printProfiles(name: string, { options }: Profiles, sinceMs: number): void {
  for (const service of SERVICES) {
    const folder = options.profileFolders?.[service]
    if (folder !== undefined) printSelfTimes(`${name}, ${service}`, folder, sinceMs)
  }
}
