"""Unmanaged models over nctool's MongoDB collections. Nothing in the admin writes to them."""

from __future__ import annotations

from django.db import models
from django_mongodb_backend.fields import ObjectIdAutoField


class CashuToken(models.Model):
    """A token of a wallet, as nctool keeps it (seed: Phase 2, `CashuToken`)."""

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    npub = models.CharField(max_length=200)
    mint_url = models.CharField(max_length=200)
    status = models.CharField(max_length=20)
    transaction_type = models.CharField(max_length=20)
    amount = models.IntegerField()
    metadata = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "cashutokens"
        verbose_name = "token"

    def __str__(self) -> str:
        return str(self.pk)


class CashuWallet(models.Model):
    """A wallet of an npub at a mint."""

    id = ObjectIdAutoField(primary_key=True, db_column="_id")
    npub = models.CharField(max_length=200)
    mint_url = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "cashuwallets"
        verbose_name = "wallet"

    def __str__(self) -> str:
        return str(self.pk)
