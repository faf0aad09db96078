/** What a seeded bug is: an exact text of a source, what stands there instead, and the named check that must see it. */
import type { Rule } from '../checker/findings';

export interface Mutation {
  /** Relative to the repository. */
  readonly file: string;
  /** There exactly once, or the bug can not be put in and the proof fails. */
  readonly text: string;
  readonly instead: string;
}

export interface SeededBug extends Mutation {
  /** As PROOF 6 names it, where it does. */
  readonly name: string;
  readonly caughtBy:
    /**
     * The scene is played and the checker breaks this rule; `alone`: not in the short form, since with it other bugs could not
     * be seen, or its test starts a server for it.
     */
    | { readonly kind: 'scene'; readonly rule: Rule; readonly alone?: true }
    /** A publish is traced. */
    | { readonly kind: 'trace'; readonly rule: Rule }
    /** This ordinary test fails; `title` is a part of its full name. */
    | { readonly kind: 'test'; readonly test: string; readonly title: string; readonly alone?: true };
}
