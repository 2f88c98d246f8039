/** Whose UE: persons use the `-cli` ones, so that they do not throw the story's terminals out. */
export const UE_NAMES = [
  'alice-phone',
  'alice-tablet',
  'bob',
  'carol',
  'mallory',
  'alice-cli',
  'bob-cli',
  'carol-cli',
  'mallory-cli',
] as const

export type UeName = (typeof UE_NAMES)[number]

/** One subscriber of the story: an implicit set shared by its ISIMs. */
export interface Person {
  readonly name: 'alice' | 'bob' | 'carol' | 'mallory'
  /** A number besides the SIP identity. */
  readonly tel: string | undefined
  readonly ues: readonly UeName[]
  /** The algorithm of its ISIMs; the network serves both side by side. */
  readonly algorithm: 'milenage' | 'tuak'
  /** Names of whom this person does not let watch; everybody else may. */
  readonly blocks: readonly string[]
}

export const PEOPLE: readonly Person[] = [
  {
    name: 'alice',
    tel: 'tel:+15550100',
    ues: ['alice-phone', 'alice-tablet', 'alice-cli'],
    algorithm: 'milenage',
    blocks: ['mallory'],
  },
  { name: 'bob', tel: 'tel:+15550101', ues: ['bob', 'bob-cli'], algorithm: 'milenage', blocks: [] },
  { name: 'carol', tel: undefined, ues: ['carol', 'carol-cli'], algorithm: 'tuak', blocks: [] },
  { name: 'mallory', tel: undefined, ues: ['mallory', 'mallory-cli'], algorithm: 'milenage', blocks: [] },
]

/** Number of each UE: the last digits of its IMPI, of its device, and of its loopback address. */
export const UE_NUMBERS: Readonly<Record<UeName, number>> = {
  'alice-phone': 1,
  'alice-tablet': 2,
  bob: 3,
  carol: 4,
  mallory: 5,
  'alice-cli': 9,
  'bob-cli': 10,
  'carol-cli': 11,
  'mallory-cli': 12,
}
