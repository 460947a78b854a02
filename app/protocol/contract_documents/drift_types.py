"""TypeScript helper types, as text, which the module of ``drift_check`` needs to compare the UI's types with the
contract. ``RESERVED`` lists the names that types of the contract must not have in that module.
"""

HELPERS = """\
type IsAny<T> = 0 extends 1 & T ? true : false;
type Plain<T> = IsAny<T> extends true ? T
  : T extends string ? ({} extends Record<T, 1> ? string : `${T}`)
  : T extends number ? ({} extends Record<T, 1> ? number : T)
  : T extends boolean | bigint | symbol | null | undefined ? T
  : T extends object ? { -readonly [K in keyof T]: Plain<T[K]> }
  : T;
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Same<A, B> = Identical<Plain<A>, Plain<B>> extends true ? unknown : never;
type Known<T> = T extends unknown
  ? keyof {
      [K in keyof T as string extends K ? never : number extends K ? never : symbol extends K ? never : K]: 1
    }
  : never;
type Value<T, K> = T extends unknown ? (K extends keyof T ? T[K] : undefined) : never;
type Field<T, K> = Exclude<Value<T, K>, undefined>;
type Presence<T, K> = K extends Known<T>
  ? unknown extends Value<T, K> ? "unclear" : undefined extends Value<T, K> ? "optional" : "required"
  : "missing";
type Shown<T> = Exclude<(T extends string | number ? Plain<T> : T) | Mark, Mark>;
type Mark = { readonly mark: unique symbol };
type None<T> = [T] extends [never] ? unknown : never;
type AnObject<T> = IsAny<T> extends true ? never
  : [T] extends [readonly unknown[]] ? never : [T] extends [object] ? unknown : never;
type AList<T> = IsAny<T> extends true ? never
  : [T] extends [never] ? never : [T] extends [readonly unknown[]] ? unknown : never;
type Item<T> = T extends readonly (infer E)[] ? E : never;
type Named<T, N> = T extends { [K in EventKey]: infer E } ? (N extends Plain<E> ? T : never) : never;
type Names<T> = IsAny<T> extends true ? any : T extends { [K in EventKey]: infer E } ? Plain<E> : never;
type HasName<T, N> = N extends Names<T> ? unknown : never;
type HasKey<T> = IsAny<T> extends true ? unknown : [T] extends [never] ? unknown
  : EventKey extends Known<T> ? unknown : never;
type Nullable<T> = unknown extends T ? "unclear" : null extends T ? "nullable" : "not nullable";
type Unless<Holds, Actual> = unknown extends Holds ? never : Actual;
type Unresolved<T> = T extends unknown ? never : never;
"""
"""Types that tell ``any``, missing, optional and other types apart.

A conditional type of a type that cannot be resolved is none of its branches, but such a type too, which behaves
like ``any``: ``Unresolved<T>`` is either that or ``never``.
"""
RESERVED = (
    "IsAny", "Plain", "Identical", "Same", "Known", "Value", "Field", "Presence", "None", "AnObject", "AList",
    "Item", "Named", "Names", "HasName", "HasKey", "Nullable", "Shown", "Mark", "Unless", "Unresolved", "EventKey",
    "UiEvent", "UiClientEvent",
)  # fmt: skip
"""The names that the types of the contract must not have."""
