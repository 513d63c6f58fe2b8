//! The derive macro of the crate `describe`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Expr, Fields, Ident, Token, Type, Visibility};

/// Describes an object: a struct with named fields, each of which is an attribute.
///
/// The doc comment of a field is the attribute's description, its type the type of the attribute. `#[field(...)]` says
/// more: each entry is a method of `describe::Attribute`, such as `required`, `default(25)` or `check_string(name)`. An
/// attribute that is neither required nor optional nor has a default is computed. Two entries are special: `flatten` makes
/// the attributes of the field's object attributes of this one, and `skip` leaves a field out, which then has its default.
///
/// Without more, the fields are values that may be unknown, and the struct can be read and written by serde. With
/// `#[describe(planned = Name)]` the fields are known: the macro makes the counterpart `Name`, whose fields are values that
/// may be unknown.
#[proc_macro_derive(Describe, attributes(describe, field))]
pub fn describe(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// `planned = Name`
struct Planned(Ident);

impl Parse for Planned {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key: Ident = input.parse()?;
        if key != "planned" {
            return Err(syn::Error::new(key.span(), "expected `planned = Name`"));
        }
        input.parse::<Token![=]>()?;
        Ok(Self(input.parse()?))
    }
}

/// One field, with what is said of it.
struct Field<'a> {
    visibility: &'a Visibility,
    ident: &'a Ident,
    ty: &'a Type,
    docs: String,
    /// Calls of methods of `Attribute`.
    calls: Vec<TokenStream>,
    flatten: bool,
    skip: bool,
}

impl<'a> Field<'a> {
    fn parse(field: &'a syn::Field) -> syn::Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(syn::Error::new(field.span(), "an attribute needs a name"));
        };
        let mut this = Self {
            visibility: &field.vis,
            ident,
            ty: &field.ty,
            docs: docs(&field.attrs),
            calls: Vec::new(),
            flatten: false,
            skip: false,
        };
        for attribute in &field.attrs {
            if !attribute.path().is_ident("field") {
                continue;
            }
            let entries =
                attribute.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated)?;
            for entry in entries {
                this.add(entry)?;
            }
        }
        Ok(this)
    }

    fn add(&mut self, entry: Expr) -> syn::Result<()> {
        match entry {
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) if name == "flatten" => self.flatten = true,
                Some(name) if name == "skip" => self.skip = true,
                Some(name) => self.calls.push(quote!(.#name())),
                None => return Err(unexpected(&path.path)),
            },
            Expr::Call(call) => {
                let Expr::Path(function) = &*call.func else {
                    return Err(unexpected(&call));
                };
                let Some(name) = function.path.get_ident() else {
                    return Err(unexpected(&call));
                };
                let arguments = &call.args;
                self.calls.push(quote!(.#name(#arguments)));
            }
            other => return Err(unexpected(&other)),
        }
        Ok(())
    }

    fn name(&self) -> String {
        self.ident.to_string().trim_start_matches("r#").to_owned()
    }

    /// What adds its attributes to `attributes`.
    fn attributes(&self) -> TokenStream {
        let (ty, name, docs, calls) = (self.ty, self.name(), &self.docs, &self.calls);
        if self.flatten {
            return quote!(attributes.extend(<#ty as ::describe::Object>::attributes()););
        }
        quote! {
            attributes.push(
                ::describe::Attribute::of::<#ty>(#name).description(#docs) #(#calls)* .declared(),
            );
        }
    }
}

fn unexpected(tokens: &impl Spanned) -> syn::Error {
    syn::Error::new(
        tokens.span(),
        "expected `flatten`, `skip`, or a method of `describe::Attribute` such as `required` or `default(1)`",
    )
}

/// The doc comment as one line; a blank line separates paragraphs.
fn docs(attributes: &[syn::Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let syn::Meta::NameValue(meta) = &attribute.meta else {
            continue;
        };
        let Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(line),
            ..
        }) = &meta.value
        else {
            continue;
        };
        if !meta.path.is_ident("doc") {
            continue;
        }
        let line = line.value();
        let line = line.trim();
        if line.is_empty() {
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.trim().to_owned()
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new(input.span(), "only a struct is an object"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(syn::Error::new(
            input.span(),
            "an object has fields with names",
        ));
    };
    if !input.generics.params.is_empty() {
        return Err(syn::Error::new(
            input.generics.span(),
            "an object has no parameters",
        ));
    }
    let fields = fields
        .named
        .iter()
        .map(Field::parse)
        .collect::<syn::Result<Vec<_>>>()?;
    let mut planned = None;
    for attribute in &input.attrs {
        if attribute.path().is_ident("describe") {
            planned = Some(attribute.parse_args::<Planned>()?.0);
        }
    }
    let name = &input.ident;
    let attributes = object(name, &fields);
    let rest = match planned {
        Some(planned) => counterpart(input, &planned, &fields),
        None => record(name, &fields),
    };
    Ok(quote!(#attributes #rest))
}

/// The list of attributes, which both an object and its counterpart have.
fn object(name: &Ident, fields: &[Field<'_>]) -> TokenStream {
    let attributes = fields
        .iter()
        .filter(|field| !field.skip)
        .map(Field::attributes);
    quote! {
        impl ::describe::Object for #name {
            fn attributes() -> ::std::vec::Vec<::describe::Attribute> {
                let mut attributes = ::std::vec::Vec::new();
                #(#attributes)*
                attributes
            }
        }

        impl ::describe::Described for #name {
            fn kind() -> ::describe::Kind {
                ::describe::Kind::Nested(
                    ::describe::Nesting::Single,
                    <Self as ::describe::Object>::attributes(),
                )
            }
        }
    }
}

/// serde's way of a struct whose fields may be unknown.
fn record(name: &Ident, fields: &[Field<'_>]) -> TokenStream {
    let text = name.to_string();
    let kept: Vec<_> = fields.iter().filter(|field| !field.skip).collect();
    let count = kept.iter().map(|field| {
        let ty = field.ty;
        if field.flatten {
            quote!(<#ty as ::describe::Record>::ATTRIBUTES)
        } else {
            quote!(1)
        }
    });
    let write = kept.iter().map(|field| {
        let (ident, name) = (field.ident, field.name());
        if field.flatten {
            quote!(::describe::Record::serialize_attributes(&self.#ident, to)?;)
        } else {
            quote!(to.serialize_field(#name, &self.#ident)?;)
        }
    });
    let read = kept.iter().filter(|field| !field.flatten).map(|field| {
        let (ident, name) = (field.ident, field.name());
        quote!(#name => self.#ident = from.next_value()?,)
    });
    let read_flat = kept.iter().filter(|field| field.flatten).map(|field| {
        let ident = field.ident;
        quote! {
            if ::describe::Record::deserialize_attribute(&mut self.#ident, name, from)? {
                return ::core::result::Result::Ok(true);
            }
        }
    });
    quote! {
        impl ::describe::Record for #name {
            const ATTRIBUTES: usize = 0 #(+ #count)*;

            fn serialize_attributes<S: ::describe::serde::ser::SerializeStruct>(
                &self,
                to: &mut S,
            ) -> ::core::result::Result<(), S::Error> {
                #(#write)*
                ::core::result::Result::Ok(())
            }

            fn deserialize_attribute<'de, A: ::describe::serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                from: &mut A,
            ) -> ::core::result::Result<bool, A::Error> {
                match name {
                    #(#read)*
                    _ => {
                        #(#read_flat)*
                        return ::core::result::Result::Ok(false);
                    }
                }
                #[allow(unreachable_code)]
                ::core::result::Result::Ok(true)
            }
        }

        impl ::describe::serde::Serialize for #name {
            fn serialize<S: ::describe::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::describe::derived::serialize(#text, self, serializer)
            }
        }

        impl<'de> ::describe::serde::Deserialize<'de> for #name {
            fn deserialize<D: ::describe::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::describe::derived::deserialize(#text, deserializer)
            }
        }
    }
}

/// The struct in which each value may be unknown, and the ways from the one to the other.
fn counterpart(input: &DeriveInput, planned: &Ident, fields: &[Field<'_>]) -> TokenStream {
    let (name, visibility) = (&input.ident, &input.vis);
    let kept: Vec<_> = fields.iter().filter(|field| !field.skip).collect();
    let types: Vec<Type> = kept
        .iter()
        .map(|field| {
            let ty = field.ty;
            if field.flatten {
                syn::parse_quote!(<#ty as ::describe::Known>::Planned)
            } else {
                syn::parse_quote!(<#ty as ::describe::Field>::Value)
            }
        })
        .collect();
    let declared = kept.iter().zip(&types).map(|(field, ty)| {
        let (visibility, ident, docs) = (field.visibility, field.ident, &field.docs);
        quote!(#[doc = #docs] #visibility #ident: #ty)
    });
    let into = kept.iter().map(|field| {
        let (ident, ty) = (field.ident, field.ty);
        if field.flatten {
            quote!(#ident: <#ty as ::describe::Known>::into_planned(self.#ident))
        } else {
            quote!(#ident: <#ty as ::describe::Field>::into_value(self.#ident))
        }
    });
    let from = fields.iter().map(|field| {
        let (ident, ty, name) = (field.ident, field.ty, field.name());
        if field.skip {
            quote!(#ident: ::core::default::Default::default())
        } else if field.flatten {
            quote!(#ident: <#ty as ::describe::Known>::from_planned(planned.#ident)?)
        } else {
            quote! {
                #ident: <#ty as ::describe::Field>::from_value(planned.#ident)
                    .map_err(|error| error.below(#name))?
            }
        }
    });
    let planned_fields: Vec<Field<'_>> = kept
        .iter()
        .zip(&types)
        .map(|(field, ty)| Field {
            visibility: field.visibility,
            ident: field.ident,
            ty,
            docs: String::new(),
            calls: Vec::new(),
            flatten: field.flatten,
            skip: false,
        })
        .collect();
    let record = record(planned, &planned_fields);
    let doc = format!("[`{name}`], of which any value may be unknown.");
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
        #visibility struct #planned {
            #(#declared,)*
        }

        #record

        impl ::describe::Object for #planned {
            fn attributes() -> ::std::vec::Vec<::describe::Attribute> {
                <#name as ::describe::Object>::attributes()
            }
        }

        impl ::describe::Described for #planned {
            fn kind() -> ::describe::Kind {
                <#name as ::describe::Described>::kind()
            }
        }

        impl ::describe::Known for #name {
            type Planned = #planned;

            fn into_planned(self) -> #planned {
                #planned { #(#into,)* }
            }

            fn from_planned(planned: #planned) -> ::core::result::Result<Self, ::describe::NotKnown> {
                ::core::result::Result::Ok(Self { #(#from,)* })
            }
        }
    }
}
