"""Tables of the incidents."""
